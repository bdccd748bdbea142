/** Fetches a shipped model and unpacks it. */
import { download, type DownloadOptions } from './download.ts';
import { isGzip, unzip } from './gzip.ts';

/** A model as the build shipped it. */
export interface ModelFile {
  /** Address of the gzipped file, relative to the page. */
  path: string;
  gzipBytes: number;
  rawBytes: number;
  /** The first 16 hexadecimal digits of the unpacked file's SHA-256. */
  hash: string;
  /** Name of the data set that it was trained on. */
  dataset: string;
  /** The radius that it is meant for, of full scale 1, an exact decimal. */
  epsilon: string;
}

/** The model's safetensors bytes. Throws a `DownloadError` that says what went wrong. */
export async function fetchModel(
  file: ModelFile,
  options: DownloadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = await download(
    file.path,
    'the network',
    (head) => (isGzip(head) ? file.gzipBytes : file.rawBytes),
    options,
  );
  return unzip(bytes, 'the network');
}
