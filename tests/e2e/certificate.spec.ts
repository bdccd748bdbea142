/** A certificate as a file: saved, checked by a program that is not ours, and changed. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { SEVEN, claim, draw, expect, expectLabel, open, test } from './page.ts';

const MODEL = 'www/public/models/mnist-eps0.3.safetensors';

/** A Python that has NumPy: the one that `scripts/test.sh` names, or that `scripts/setup.sh` has made. */
const { LINF_PYTHON, LINF_CACHE, XDG_CACHE_HOME } = process.env;
const cache = LINF_CACHE ?? join(XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'linf-dist-net');
const made = join(cache, 'python/bin/python');
const PYTHON = LINF_PYTHON ?? (existsSync(made) ? made : 'python3');

/** What `tools/check.py` says of a certificate. */
function checkedInPython(path: string): { verified: boolean; member?: string | null } {
  try {
    return JSON.parse(
      execFileSync(PYTHON, ['tools/check.py', path, MODEL], { encoding: 'utf8' }),
    ) as { verified: boolean };
  } catch (failed) {
    const { status, stdout } = failed as { status: number; stdout: string };
    expect(status).toBe(1);
    return JSON.parse(stdout) as { verified: boolean; member: string | null };
  }
}

/** Saves the certificate of what is on the pad; gives the path of the file. */
async function save(page: Page, name: string): Promise<string> {
  const download = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save certificate' }).click();
  const path = test.info().outputPath(name);
  await (await download).saveAs(path);
  return path;
}

async function pick(page: Page, ...paths: string[]) {
  await page.getByTestId('certificate-picker').setInputFiles(paths);
}

const outcome = (page: Page) => page.getByTestId('certificate-outcome');

test('a certificate that the page saves is verified by the page and by the checker in Python', async ({
  page,
}) => {
  await open(page);
  await draw(page, SEVEN);
  const { label, radius } = await claim(page);
  const path = await save(page, 'certificate.json');
  const certificate = JSON.parse(readFileSync(path, 'utf8')) as Record<string, number>;
  expect(certificate.label).toBe(label);
  expect(Math.floor((certificate.radius_ticks ?? 0) / (certificate.scale ?? 1))).toBe(radius);
  expect(checkedInPython(path)).toMatchObject({ verified: true, label });

  // Elsewhere, where nothing of it is known.
  await page.getByRole('button', { name: 'Clear' }).click();
  await expectLabel(page, null);
  await pick(page, path);
  await expect(outcome(page)).toHaveAttribute('data-ok', 'true');
  expect(await claim(page)).toEqual({ label, radius });
  await page.getByRole('button', { name: 'Undo' }).click();
  await expectLabel(page, null);
});

test('a certificate that was changed is refuted, and nothing on the page changes', async ({
  page,
}) => {
  await open(page);
  await draw(page, SEVEN);
  const before = await claim(page);
  const path = await save(page, 'certificate.json');
  const text = readFileSync(path, 'utf8');
  const changes: [name: string, changed: string][] = [
    ['radius', text.replace(/"radius_ticks": (\d+)/, (_, ticks) => `"radius_ticks": 1${ticks}`)],
    ['spelling', text.replace('"scale": ', '"scale":')],
    ['nothing', 'no certificate'],
  ];
  for (const [name, changed] of changes) {
    expect(changed).not.toBe(text);
    const other = test.info().outputPath(`${name}.json`);
    writeFileSync(other, changed);
    await pick(page, path);
    await expect(outcome(page)).toHaveAttribute('data-ok', 'true');
    await pick(page, other);
    await expect(outcome(page)).toHaveAttribute('data-ok', 'false');
    await expect(outcome(page)).toContainText(`${name}.json`);
    expect(await claim(page)).toEqual(before);
    expect(checkedInPython(other).verified).toBe(false);
  }
});

/** The certificate of another network, with a SHA-256 of its own that is right. */
function ofAnotherNetwork(text: string): string {
  const changed = text.replace(/("model_sha256": ")(.{8})/, '$100000000');
  const end = changed.indexOf('  "sha256": ');
  const digest = createHash('sha256').update(changed.slice(0, end)).digest('hex');
  return `${changed.slice(0, end)}  "sha256": "${digest}"\n}\n`;
}

test('the network of a certificate is taken, and one of an unknown network is not judged', async ({
  page,
}) => {
  await open(page, '#v=1&digit=0');
  await expectLabel(page, '7');
  const path = await save(page, 'seven.json');
  const network = page.getByRole('combobox', { name: 'network' });
  await network.selectOption('mnist-eps0.1');
  await expect(page.getByRole('progressbar')).toHaveCount(0);
  const other = test.info().outputPath('other.json');
  writeFileSync(other, ofAnotherNetwork(readFileSync(path, 'utf8')));
  await pick(page, other);
  await expect(outcome(page)).toHaveAttribute('data-ok', 'false');
  await expect(outcome(page)).toContainText('00000000');
  await expect(network).toHaveValue('mnist-eps0.1');
  expect(checkedInPython(other)).toMatchObject({ verified: false, member: 'model_sha256' });
  await pick(page, path);
  await expect(outcome(page)).toHaveAttribute('data-ok', 'true');
  await expect(network).toHaveValue('mnist-eps0.3');
});

test('there is nothing to save of an empty pad', async ({ page }) => {
  await open(page);
  const button = page.getByRole('button', { name: 'Save certificate' });
  await expect(button).toHaveAttribute('aria-disabled', 'true');
});
