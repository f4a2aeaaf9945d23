"""The shapes of answers: what the JSON that the layers hand to each other holds, and what openapi.json says of it."""
