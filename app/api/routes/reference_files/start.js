// A key typed into the page stays in its memory: nothing is kept in the browser.
const { document: url, start } = document.getElementById("reference").dataset;
// A reader without an operation in the address begins at the first one of the page.
if (!location.hash) history.replaceState(null, "", start);
SwaggerUIBundle({
  url,
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  displayOperationId: true,
  persistAuthorization: false,
  validatorUrl: null,
});
