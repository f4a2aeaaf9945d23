/** Read counts and lists of a Recuento registry, with the types of its openapi.json. */

import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

export type Schemas = components["schemas"];

/** An address that answers JSON to GET. */
export type Path = {
  [P in keyof paths]: paths[P] extends { get: { responses: { 200: { content: { "application/json": unknown } } } } }
    ? P
    : never;
}[keyof paths];
type Operation<P extends Path> = paths[P] extends { get: infer O } ? O : never;
/** The terms of an address. */
export type Terms<P extends Path> = Operation<P> extends { parameters: { query?: infer Q } } ? NonNullable<Q> : never;
/** The values in an address, such as `claim_id`. */
export type Ids<P extends Path> = Operation<P> extends { parameters: { path: infer I } } ? I : Record<string, never>;
/** The answer of an address. */
export type Answer<P extends Path> =
  Operation<P> extends { responses: { 200: { content: { "application/json": infer A } } } } ? A : never;
type Page<Row> = { data: Row[]; next?: string | null };

const MAX_RETRIES = 3;
const MAX_WAIT_SECONDS = 60;
const RETRIED_STATUSES = [429, 502, 503, 504];

/** An error response. Decide by `status` and `problem.code`. */
export class RecuentoError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Schemas["ProblemOut"]>,
  ) {
    super(`${status} ${problem.code ?? ""}: ${problem.detail ?? ""}`);
  }
}

export class Recuento {
  readonly #client;
  readonly #base: string;

  constructor(base: string) {
    this.#base = base.replace(/\/$/, "");
    this.#client = createClient<paths>({ baseUrl: this.#base, fetch: fetchWithRetries });
  }

  /** Read an address with its terms. */
  async get<P extends Path>(path: P, terms?: Terms<P>, ids?: Ids<P>): Promise<Answer<P>> {
    return (await this.#read(path, terms, ids)).answer;
  }

  /** Yield the answer of an address, and yield it again whenever it changed. */
  async *poll<P extends Path>(path: P, terms: Terms<P>, seconds = 10): AsyncGenerator<Answer<P>> {
    for (let last: string | null = null; ; await sleep(seconds)) {
      const { answer, etag } = await this.#read(path, terms);
      if (etag === null || etag !== last) yield answer;
      last = etag;
    }
  }

  /** Yield the rows of a list from its first page on. All pages are of one revision. */
  async *rows<Row>(first: Page<Row>): AsyncGenerator<Row> {
    for (let page = first; ; ) {
      yield* page.data;
      if (!page.next) return;
      const response = await fetchWithRetries(new Request(this.#base + page.next));
      if (!response.ok) throw new RecuentoError(response.status, await readProblem(response));
      page = (await response.json()) as Page<Row>;
    }
  }

  async #read<P extends Path>(path: P, terms?: Terms<P>, ids?: Ids<P>): Promise<{ answer: Answer<P>; etag: string | null }> {
    const params = { query: terms, path: ids };
    const { data, error, response } = await this.#client.GET(path, { params } as never);
    if (!response.ok) throw new RecuentoError(response.status, typeof error === "object" ? (error as object) : {});
    return { answer: data as Answer<P>, etag: response.headers.get("ETag") };
  }
}

/** Fetch and let the browser ask with the last ETag; wait where the registry asks for it. */
async function fetchWithRetries(request: Request): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    const response = await fetch(request.clone(), { cache: "no-cache" });
    if (!RETRIED_STATUSES.includes(response.status) || attempt === MAX_RETRIES) return response;
    const seconds = Number(response.headers.get("Retry-After") ?? 2 ** attempt);
    if (!(seconds <= MAX_WAIT_SECONDS)) return response;
    await sleep(seconds);
  }
}

/** Read the problem of an error response. A proxy may answer with something else than JSON. */
async function readProblem(response: Response): Promise<Partial<Schemas["ProblemOut"]>> {
  try {
    return (await response.json()) as Schemas["ProblemOut"];
  } catch {
    return {};
  }
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
