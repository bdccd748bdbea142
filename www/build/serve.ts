/** Files that exist only in the build's memory, answered by the development server. */
import type { ViteDevServer } from 'vite';

export interface MadeFile {
  /** Path below the page's own address. */
  path: string;
  bytes: Buffer;
}

/** Answers requests for the files that `files` gives at the time of the request. */
export function answerWith(server: ViteDevServer, files: () => readonly MadeFile[]) {
  server.middlewares.use((request, response, next) => {
    const file = files().find(({ path }) => request.url?.endsWith(`/${path}`));
    if (!file) return next();
    response.setHeader('Content-Type', 'application/octet-stream');
    response.end(file.bytes);
  });
}
