/** A host of the built page that fails as hosts do. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';

export const DIST = join(import.meta.dirname, '../../dist');

const TYPES: Record<string, string> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/** What a host does with a request before the file is read; `true` if it has answered itself. */
type Fault = (path: string, response: ServerResponse) => boolean;
/** What a publication makes of a file. */
type Change = (path: string, file: Buffer) => Buffer;

export class DistServer {
  fault: Fault = () => false;
  change: Change = (_, file) => file;
  /** Where the file of an address lies in the folder. */
  rename: (path: string) => string = (path) => path;
  /** The paths that were asked for. */
  asked: string[] = [];
  readonly #folder: string;
  readonly #server = createServer((request, response) => {
    const path = new URL(request.url ?? '', 'http://localhost').pathname.slice(1) || 'index.html';
    this.asked.push(path);
    if (this.fault(path, response)) return;
    readFile(join(this.#folder, this.rename(path))).then(
      (file) => {
        response.setHeader(
          'Content-Type',
          TYPES[extname(this.rename(path))] ?? 'application/octet-stream',
        );
        response.setHeader('Cache-Control', 'no-cache');
        response.end(this.change(path, file));
      },
      () => response.writeHead(404).end(),
    );
  });

  constructor(folder = DIST) {
    this.#folder = folder;
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, resolve));
    return `http://localhost:${(this.#server.address() as AddressInfo).port}/`;
  }

  stop() {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}
