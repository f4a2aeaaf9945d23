// A key typed into the page stays in its memory: nothing is kept in the browser.
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  displayOperationId: true,
  persistAuthorization: false,
  validatorUrl: null,
});
