// Prints what src/data/datasets.json says, line by line, for scripts/data.sh:
//
//   node scripts/datasets.mjs               NAME TITLE required|optional, a line per data set
//   node scripts/datasets.mjs files NAME    SHA-256 and file name, a line per file
//   node scripts/datasets.mjs sources NAME  kind (npm, debian, url), what, folder, a line per source
//
// The fields of a line are separated by tabs.
import { readFileSync } from 'node:fs';

const [question, name] = process.argv.slice(2);
const datasets = JSON.parse(readFileSync('src/data/datasets.json', 'utf8'));

function answer() {
  if (!question) {
    return datasets.map((set) => [set.name, set.title, set.required ? 'required' : 'optional']);
  }
  const dataset = datasets.find((set) => set.name === name);
  if (!dataset) throw new Error(`src/data/datasets.json has no data set ${name}`);
  if (question === 'files') return Object.values(dataset.files).map((f) => [f.sha256, f.name]);
  return dataset.sources.map(({ folder = '', ...source }) => {
    const [kind] = Object.keys(source);
    return [kind, source[kind], folder];
  });
}

process.stdout.write(
  answer()
    .map((fields) => `${fields.join('\t')}\n`)
    .join(''),
);
