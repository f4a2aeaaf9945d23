import { Recuento, RecuentoError } from "recuento-client";

const registry = new Recuento("http://127.0.0.1:8000");
const terms = { country: "VE", released_from: "2026-01-08" };
try {
  const count = await registry.get("/v1/counts/releases", { ...terms, group_by: ["source"] });
  console.log(count.total.cases, count.groups.map(({ by, counts }) => `${by.source} ${counts.verified}`));
  for await (const row of registry.rows(await registry.get("/v1/releases", terms))) console.log(row.id);
} catch (error) {
  if (error instanceof RecuentoError) console.error(error.status, error.problem.code);
}
