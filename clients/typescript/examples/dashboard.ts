/** A dashboard of one country on any site: `dashboard.html?registry=https://registry.example`. */

import { Recuento, RecuentoError, type Answer } from "recuento-client";

const COUNTRY = "VE";
const FROM = "2026-01-08";
const POLL_SECONDS = 10;
const CAVEATS = {
  uncertain_date: "may lie in the window",
  possible_duplicates: "pairs may be one person",
  withheld: "are on no list",
  unlinkable: "may count more than once",
  denied_by_some: "are denied by a source",
} as const;

const page = new URL(location.href).searchParams;
const base = page.get("registry") ?? "http://127.0.0.1:8000";
const registry = new Recuento(base);

function find(id: string): Element {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no element #${id}.`);
  return element;
}

function showRows(id: string, rows: (string | number | null)[][]): void {
  find(id).replaceChildren(
    ...rows.map((cells) => {
      const row = document.createElement("tr");
      row.append(
        ...cells.map((value) => {
          const cell = document.createElement("td");
          cell.textContent = value === null ? "—" : String(value);
          return cell;
        }),
      );
      return row;
    }),
  );
}

function formatFigure(low: number | null, high: number | null): string {
  if (low === high) return String(low);
  if (high === null) return `${low} or more`;
  return low === null ? `up to ${high}` : `${low}–${high}`;
}

function showCount(count: Answer<"/v1/counts/releases">): void {
  find("total").textContent = String(count.total.cases);
  find("at").textContent = `${count.total.verified} verified · revision ${count.at.revision} of ${count.at.recorded_at ?? "no day"}`;
  const caveats = Object.entries(CAVEATS).flatMap(([name, text]) => {
    const number = count.caveats[name as keyof typeof CAVEATS];
    return number > 0 ? [`${number} ${text}`] : [];
  });
  find("caveats").textContent = caveats.join(" · ");
  showRows(
    "sources",
    count.groups.map(({ by, counts }) => [by.source ?? null, counts.verified]),
  );
  showRows(
    "figures",
    (count.caveats.coverage?.published ?? []).map((figure) => [
      figure.claimant,
      formatFigure(figure.low, figure.high),
      figure.stated_at,
    ]),
  );
  find("permalink").setAttribute("href", base + count.links.permalink);
  find("cite").setAttribute("href", count.links.cite);
}

function showSeries(series: Answer<"/v1/counts/series">): void {
  const highest = Math.max(1, ...series.points.map((point) => point.verified));
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  const points = series.points.map((point, index) => {
    const across = (100 * index) / Math.max(1, series.points.length - 1);
    return `${across.toFixed(1)},${(40 - (40 * point.verified) / highest).toFixed(1)}`;
  });
  line.setAttribute("points", points.join(" "));
  line.setAttribute("fill", "none");
  line.setAttribute("stroke", "currentColor");
  line.setAttribute("vector-effect", "non-scaling-stroke");
  find("chart").replaceChildren(line);
}

function showHeld(held: Answer<"/v1/counts/held">): void {
  find("held").textContent = `People known to be in custody on ${held.terms.held_on ?? "that day"}: ${held.total.cases}`;
}

function showReleases(releases: Answer<"/v1/releases">): void {
  showRows(
    "releases",
    releases.data.map((row) =>
      "gone" in row ? [row.id] : [row.released_on, row.detainee?.name ?? "name not public", row.status],
    ),
  );
}

/** Poll the count; read the other parts again only when it changed. */
async function run(): Promise<void> {
  const terms = { country: COUNTRY, released_from: FROM, group_by: ["source" as const] };
  for await (const count of registry.poll("/v1/counts/releases", terms, POLL_SECONDS)) {
    const as_of = `r${count.at.revision}`;
    showCount(count);
    const [held, series, releases] = await Promise.all([
      registry.get("/v1/counts/held", { country: COUNTRY, as_of }),
      registry.get("/v1/counts/series", { country: COUNTRY, released_from: FROM, interval: "week", as_of }),
      registry.get("/v1/releases", {
        country: COUNTRY,
        released_from: FROM,
        sort: "-released_on",
        include: "detainee",
        fields: "id,released_on,status,detainee.name",
        limit: 10,
        as_of,
      }),
    ]);
    showHeld(held);
    showSeries(series);
    showReleases(releases);
    find("problem").textContent = "";
    document.body.dataset["revision"] = String(count.at.revision);
  }
}

/** Keep the last numbers on the page while the registry cannot be read. */
async function main(): Promise<never> {
  for (;;) {
    try {
      await run();
    } catch (error) {
      const reason = error instanceof RecuentoError ? error.message : "The registry cannot be reached.";
      find("problem").textContent = `${reason} These are the last numbers read.`;
      await new Promise((resolve) => setTimeout(resolve, POLL_SECONDS * 1000));
    }
  }
}

await main();
