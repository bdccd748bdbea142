/** The network reads real drawings, and proves its labels far out. */
import { HANDS, write } from './hands.ts';
import { claim, draw, expect, open, test } from './page.ts';

test('fifty drawings in five hands: 45 or more are read rightly, median radius 60 or more', async ({
  page,
}) => {
  test.setTimeout(300_000);
  await open(page);
  const radii: number[] = [];
  const misread: string[] = [];
  for (const hand of HANDS) {
    for (let digit = 0; digit < 10; digit += 1) {
      await draw(page, write(digit, hand));
      const { label, radius } = await claim(page);
      radii.push(radius);
      if (label !== digit) misread.push(`${digit} (${hand.name}) as ${label}, proved to ${radius}`);
      await page.getByRole('button', { name: 'Clear' }).click();
    }
  }
  radii.sort((a, b) => a - b);
  const median = radii[Math.floor((radii.length - 1) / 2)] ?? 0;
  console.warn(
    `    ${radii.length - misread.length} of ${radii.length} drawings read rightly; radii ` +
      `${radii[0]} to ${radii.at(-1)} levels, median ${median}` +
      (misread.length > 0 ? `; misread: ${misread.join('; ')}` : ''),
  );
  expect(radii).toHaveLength(50);
  expect(misread.length, misread.join('; ')).toBeLessThanOrEqual(5);
  expect(median).toBeGreaterThanOrEqual(60);
});
