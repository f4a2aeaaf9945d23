// A key typed into the page stays in its memory: nothing is kept in the browser.
// A reader without an operation in the address begins at the counts.
if (!location.hash) history.replaceState(null, "", "#/counts/count_releases");
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
