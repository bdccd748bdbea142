// Prints a SHA-256 of the names and contents of files, and of the texts given beside them. The builds
// keep it beside what they made, and build nothing while it stays the same.
//
//   node scripts/fingerprint.mjs [--text TEXT | --except PATH | PATH]…
//
// A PATH is a file or a folder; a path that does not exist counts as absent. --except leaves out a
// file or folder below it.
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    text: { type: 'string', multiple: true, default: [] },
    except: { type: 'string', multiple: true, default: [] },
  },
});
const skipped = new Set(values.except);
const hash = createHash('sha256');

/** Adds a file, or all files below a folder in the order of their names. */
function add(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) hash.update(`absent ${path}\0`);
  else if (found.isDirectory()) {
    const paths = readdirSync(path).map((name) => join(path, name));
    for (const below of paths.sort()) if (!skipped.has(below)) add(below);
  } else {
    const bytes = readFileSync(path);
    hash.update(`file ${path} ${bytes.length}\0`).update(bytes);
  }
}

for (const text of values.text) hash.update(`text ${text}\0`);
for (const path of positionals) add(path);
process.stdout.write(`${hash.digest('hex')}\n`);
