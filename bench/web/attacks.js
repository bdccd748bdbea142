// How many queries per second each attack makes in WebAssembly, on one thread: `node
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
const ATTACKS = ['random', 'fgsm', 'pgd', 'argmax_path', 'square'];
const IMAGES = 12;
const ROUNDS = 3;
/** Queries of one image at most; an attack that ends before is begun on the next one. */
const QUERIES = 2000;
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

/** Queries and seconds of an attack on one image. */
function run(attacker, attack, image, seed) {
  attacker.start(image, { attack, epsilonLevels: 255 * Number(EPSILON), grid: 'ticks', seed });
  const begun = clock();
  let progress;
  do progress = attacker.advance(AT_A_TIME);
  while (!progress.done && progress.queries < QUERIES);
  return { queries: progress.queries, seconds: clock() - begun, margin: progress.best.marginLevels };
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
      let [queries, seconds] = [0, 0];
      const found = [];
      images.forEach((image, index) => {
        const one = run(attacker, attack, image, index);
        queries += one.queries;
        seconds += one.seconds;
        found.push(one.margin);
      });
      const name = versions.length > 1 ? path.basename(folder) : 'queries per second';
      row[name] = Math.max(row[name] ?? 0, queries / seconds);
      margins.push(found.join());
    }
  }
  if (new Set(margins).size > 1) throw new Error(`${attack} did not find the same`);
  table.push(row);
}
process.stdout.write(`${JSON.stringify(table, null, 1)}\n`);
