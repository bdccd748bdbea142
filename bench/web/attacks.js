// How many perturbed images per second each attack tries in WebAssembly, on one thread: `node
// bench/web/attacks.js [FOLDER…]`, where a folder holds what wasm-pack made of the exact network
// (`npm run wasm`: pkg/certify). Several folders take turns, so that two versions can be compared.
//
// A second is one of this process's processor time, which other programs disturb least. Every
// attack has the same images, those of the test set that the network labels rightly and that are
// not proved at ε, with whatever an attack does once per image.

import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import path from 'node:path';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ATTACKS = ['random', 'fgsm', 'pgd', 'path', 'square'];
const IMAGES = 12;
const ROUNDS = 3;
/** Tries of one image at most; an attack that ends before is begun on the next one. */
const TRIES = 2000;
/** As the page asks for them. */
const AT_A_TIME = 100;
const EPSILON = '0.3';

const model = readFileSync(path.join(ROOT, 'www/public/models/mnist-eps0.3.safetensors'));
const pixels = readFileSync(path.join(ROOT, 'data/mnist/t10k-images-idx3-ubyte')).subarray(16);

async function open(folder) {
  const module = await import(pathToFileURL(path.resolve(folder, 'certify.js')));
  module.initSync({ module: readFileSync(path.resolve(folder, 'certify_bg.wasm')) });
  return { folder, attacker: new module.Attacker(model) };
}

/** Processor seconds since some moment. */
function clock() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Tries and seconds of an attack on one image. */
function run(attacker, attack, image, seed) {
  attacker.start(image, { attack, epsilonLevels: 255 * Number(EPSILON), grid: 'units', seed });
  const begun = clock();
  let progress;
  do progress = attacker.advance(AT_A_TIME);
  while (!progress.done && progress.tries < TRIES);
  return { tries: progress.tries, seconds: clock() - begun, margin: progress.best.marginLevels };
}

const folders = process.argv.slice(2);
const versions = await Promise.all((folders.length ? folders : [path.join(ROOT, 'pkg/certify')]).map(open));
const images = Array.from({ length: IMAGES }, (_, index) =>
  pixels.subarray(784 * (17 + 97 * index), 784 * (18 + 97 * index)),
);
const table = [];
for (const attack of ATTACKS) {
  const row = { attack };
  const margins = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const { folder, attacker } of versions) {
      let [tries, seconds] = [0, 0];
      const found = [];
      images.forEach((image, index) => {
        const one = run(attacker, attack, image, index);
        tries += one.tries;
        seconds += one.seconds;
        found.push(one.margin);
      });
      const name = versions.length > 1 ? path.basename(folder) : 'images per second';
      row[name] = Math.max(row[name] ?? 0, tries / seconds);
      margins.push(found.join());
    }
  }
  if (new Set(margins).size > 1) throw new Error(`${attack} did not find the same`);
  table.push(row);
}
process.stdout.write(`${JSON.stringify(table, null, 1)}\n`);
