/**
 * The service worker: the page opens again without a network.
 *
 * Workbox keeps the files of the first visit, all of one build or none of it: an answer that has not
 * the digest of the file ends the installation, and the build before stays in use with its own files.
 * What is needed later is kept when it is fetched, if it has its digest.
 *
 * The page itself is asked for anew each time, so that a visitor with a network has the newest; after
 * a while without an answer the kept one opens.
 */
/// <reference lib="webworker" />
import { PrecacheController, PrecacheRoute } from 'workbox-precaching';
import { registerRoute } from 'workbox-routing';

declare const self: ServiceWorkerGlobalScope;
interface KeptFile {
  url: string;
  /** The digests that its body may have. */
  integrity: string;
}
/** Written by the build. */
declare const PRECACHED: readonly KeptFile[];
declare const KEPT_LATER: readonly KeptFile[];

/** A server that accepts and never answers must not leave a blank tab. */
const PATIENCE_MS = 4_000;
const LATER_CACHE = 'linf-dist-net-later';

const precache = new PrecacheController({ cacheName: 'linf-dist-net' });
precache.addToCacheList(
  PRECACHED.map(({ url, integrity }) => ({
    url,
    integrity,
    // The other files have a hash in their names.
    revision: url === 'index.html' ? integrity : null,
  })),
);

const scope = self.registration.scope;
const later = new Map(
  KEPT_LATER.map(({ url, integrity }) => [new URL(url, scope).href, integrity]),
);

/** The newest page; the kept one where no network answers in time, and to the end. */
async function answerPage(request: Request): Promise<Response> {
  const kept = () => precache.matchPrecache('index.html');
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    const response = await fetch(request.url, {
      signal: patience.signal,
      credentials: 'same-origin',
    });
    const body = await response.blob();
    // A host that is down may answer with a page of its own.
    const page = response.ok ? undefined : await kept();
    // A copy, since browsers take no redirected answer for a page.
    const { status, statusText, headers } = response;
    return page ?? new Response(body, { status, statusText, headers });
  } catch (cause) {
    const page = await kept();
    if (page) return page;
    throw cause;
  } finally {
    clearTimeout(timer);
  }
}

async function isWhole(response: Response, integrity: string): Promise<boolean> {
  const digest = await crypto.subtle.digest('SHA-256', await response.arrayBuffer());
  const text = btoa(String.fromCharCode(...new Uint8Array(digest)));
  return integrity.split(' ').includes(`sha256-${text}`);
}

/** Keeps an answer that is the file it should be; a full disk keeps none. */
async function keepIfWhole(url: string, response: Response, integrity: string) {
  if (response.status !== 200 || !(await isWhole(response.clone(), integrity))) return;
  const cache = await caches.open(LATER_CACHE);
  await cache.put(url, response).catch(() => {});
}

/** Those of another build are of no use. */
async function tidy() {
  const cache = await caches.open(LATER_CACHE);
  for (const { url } of await cache.keys()) if (!later.has(url)) await cache.delete(url);
}

/** The page itself, whatever its link says. */
const pages = [scope, `${scope}index.html`];
registerRoute(
  ({ url, request }) => request.mode === 'navigate' && pages.includes(url.origin + url.pathname),
  ({ request }) => answerPage(request),
);
registerRoute(new PrecacheRoute(precache, { ignoreURLParametersMatching: [] }));
registerRoute(
  ({ url }) => later.has(url.href),
  async ({ url, request, event }) => {
    const cache = await caches.open(LATER_CACHE);
    const kept = await cache.match(url.href);
    // Whoever asks with `reload` has found the last answer of no use.
    if (kept && request.cache !== 'reload') return kept;
    const response = await fetch(request);
    const integrity = later.get(url.href) ?? '';
    event.waitUntil(keepIfWhole(url.href, response.clone(), integrity));
    return response;
  },
);

self.addEventListener('install', (event) => {
  precache.install(event);
  void self.skipWaiting();
});
self.addEventListener('activate', (event) => {
  precache.activate(event);
  event.waitUntil(Promise.all([self.clients.claim(), tidy()]));
});
/** What the page had fetched before this worker was in charge. */
self.addEventListener('message', (event) => {
  const urls = (event.data as string[]).map((url) => new URL(url, scope).href);
  const keep = async (url: string) => {
    const integrity = later.get(url);
    const cache = await caches.open(LATER_CACHE);
    if (!integrity || (await cache.match(url))) return;
    await keepIfWhole(url, await fetch(url), integrity);
  };
  event.waitUntil(Promise.allSettled(urls.map(keep)));
});
