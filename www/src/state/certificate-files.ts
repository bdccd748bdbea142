/**
 * A certificate as a file: checked where it comes back to the page.
 *
 * The network is found by the SHA-256 that the certificate names. Everything that the file claims is
 * computed anew by the module of the exact network; docs/certificate-format.md says how.
 */
import { fetchModel } from '../assets/model-file.ts';
import { SHIPPED, networkWords, ownName } from '../assets/networks.ts';
import { SIDE, type Pixels } from '../assets/pixels.ts';
import { levels } from '../copy.ts';
import { checkCertificate, startModule } from '../wasm/certify.ts';
import type { AppState } from './app.svelte.ts';
import type { FileKind, GivenFile } from './dropped-files.ts';

/** Every certificate names its format near its beginning. */
const FORMAT = 'linf-dist-net certificate';

const METHODS = {
  lipschitz: 'the margin (Lipschitz)',
  ibp: 'interval bound propagation (IBP)',
  'branch-and-bound': 'branch and bound',
};

/** A network of the page, and how its file is had. */
interface Known {
  name: string;
  words: string;
  model(): Uint8Array<ArrayBuffer> | Promise<Uint8Array<ArrayBuffer>>;
}

/** The network whose file has this SHA-256, if the page has it; else the one in use, if it is there. */
function networkOf(app: AppState, sha256: string | null): Known | null {
  const { current, usable, chosen, chosenOwn } = app.network;
  const isIt = ({ hash }: { hash: string }) => sha256?.startsWith(hash) ?? false;
  for (const [name, file] of SHIPPED) {
    if (!isIt(file)) continue;
    const model = () => (current && isIt(current) ? current.bytes : fetchModel(file, {}));
    return { name, words: networkWords(file), model };
  }
  const mine = usable.find(isIt);
  if (mine) return { name: ownName(mine.hash), words: mine.name, model: () => mine.model };
  // Of a network of this browser the hash is not that of its file where the browser computes none.
  const words = chosenOwn?.name ?? (current && networkWords(current.info));
  return current && words ? { name: chosen, words, model: () => current.bytes } : null;
}

/** The SHA-256 of the model that a certificate names; null if it is no certificate. */
function modelNamed({ bytes }: GivenFile): string | null {
  try {
    const { model_sha256: sha256 } = JSON.parse(new TextDecoder().decode(bytes)) as {
      model_sha256?: unknown;
    };
    return typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256) ? sha256 : null;
  } catch {
    return null;
  }
}

/** Verifies a certificate, and shows its image. Throws an `Error` that says why it is refuted. */
async function take(app: AppState, file: GivenFile): Promise<string> {
  const sha256 = modelNamed(file);
  await app.network.own.load();
  const known = networkOf(app, sha256);
  if (!known) throw new Error(`${file.name} cannot be checked before the network is there.`);
  const model = await known.model();
  await startModule();
  const { verified, refuted } = checkCertificate(file.bytes, model);
  if (refuted?.member === 'model_sha256' && sha256) {
    throw new Error(
      `${file.name} cannot be checked: it is of another network than those of this page, of which the ` +
        `SHA-256 begins with ${sha256.slice(0, 16)}. Open that network first.`,
    );
  }
  if (!verified) throw new Error(`${file.name} is refuted: ${refuted?.reason ?? 'no reason'}.`);
  if (known.name !== app.network.chosen) await app.choose(known.name);
  const { width, height, image, label, labelName, radiusLevels, method } = verified;
  if (width === SIDE && height === SIDE) {
    app.image.drawing.pick({ index: null, pixels: image as Pixels });
    app.view = 'draw';
  }
  return (
    `${file.name} is verified: the network ${known.words} labels its image ` +
    `${labelName ?? label}, and no change of up to ${levels(radiusLevels)} per pixel can flip that. ` +
    `Proved by ${METHODS[method]}.`
  );
}

export const CERTIFICATE: FileKind = {
  called: 'a certificate (.json)',
  matches: ({ file, head }) =>
    file.name.toLowerCase().endsWith('.json') || new TextDecoder().decode(head).includes(FORMAT),
  take,
};
