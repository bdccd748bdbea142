/*
 * The service worker: keeps what the page has fetched, so that it opens again without a network.
 *
 * Every file of a build carries a hash in its name, so a kept one is never stale; only the page
 * itself is asked for anew, and taken from the cache where no network answers. The build puts the
 * list of its files in, which lets a new build throw away those of the old one.
 */
const CACHE = 'linf-dist-net';
const FILES = new Set(/* FILES */ []);

const address = (request) => new URL(request.url ?? request, self.registration.scope);
/** The page itself, whatever its link says. */
const PAGE = new URL('./', self.registration.scope).href;

const isPage = ({ origin, pathname }) =>
  [PAGE, `${PAGE}index.html`].includes(origin + pathname);

const isFile = (url) => {
  const { href } = new URL('./', self.registration.scope);
  return url.href.startsWith(href) && FILES.has(url.href.slice(href.length));
};

async function keep(url) {
  const cache = await caches.open(CACHE);
  if (url.href !== PAGE && (await cache.match(url))) return;
  const response = await fetch(url);
  if (response.ok) await cache.put(url, response);
}

/** Keeps a copy while the response is on its way to the page; a full disk keeps none. */
function copy(event, cache, name, response) {
  if (response.status !== 200) return;
  event.waitUntil(cache.put(name, response.clone()).catch(() => {}));
}

async function answer(event, url) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(url);
  if (kept) return kept;
  const response = await fetch(event.request);
  copy(event, cache, url, response);
  return response;
}

async function answerPage(event) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(event.request);
    copy(event, cache, PAGE, response);
    return response;
  } catch (cause) {
    const kept = await cache.match(PAGE);
    if (kept) return kept;
    throw cause;
  }
}

async function tidy() {
  const cache = await caches.open(CACHE);
  for (const request of await cache.keys()) {
    if (request.url !== PAGE && !isFile(address(request))) await cache.delete(request);
  }
}

self.addEventListener('install', () => self.skipWaiting());
self.addEventListener('activate', (event) => {
  event.waitUntil(Promise.all([self.clients.claim(), tidy()]));
});
self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET') return;
  const url = address(request);
  if (isPage(url)) event.respondWith(answerPage(event));
  else if (isFile(url)) event.respondWith(answer(event, url));
});
/** What the page had fetched before this worker was there. */
self.addEventListener('message', (event) => {
  const urls = event.data.map(address).filter((url) => isFile(url) || url.href === PAGE);
  event.waitUntil(Promise.allSettled(urls.map(keep)));
});
