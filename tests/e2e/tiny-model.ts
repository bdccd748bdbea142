/**
 * Networks with a known answer, as docs/model-format.md describes the file: for the answers that
 * no trained network can be relied upon to give.
 */

/**
 * One layer, and every unit looks at the top left pixel alone: where that is background, the
 * logits are minus `bias`, in ticks of 1/32 level, for any drawing whatsoever. `accuracies` are
 * more entries of the metadata. With several members, all alike, that is so of their average.
 */
export function modelOfBias(
  bias: readonly number[],
  atLeastBytes: number,
  accuracies: Record<string, string> = {},
  members = 1,
): Buffer {
  const units = members * bias.length;
  // The first pixel of every row: 783 weights are left out before each but the first.
  const between = [255, 255, 255, 783 - 3 * 255];
  const gap = Buffer.from([0, ...Array.from({ length: units - 1 }, () => between).flat()]);
  const weight = Buffer.alloc(2 * units);
  const biases = Buffer.alloc(2 * units);
  for (let unit = 0; unit < units; unit += 1) {
    biases.writeInt16LE(bias[unit % bias.length] ?? 0, 2 * unit);
  }
  const data = Buffer.concat([gap, weight, biases]);

  const [weightAt, biasAt] = [gap.length, gap.length + weight.length];
  const header = JSON.stringify({
    __metadata__: {
      format: 'linf-dist-net',
      format_version: '4',
      architecture: `784-${units}`,
      scale: '32',
      members: String(members),
      dataset: 'mnist',
      epsilon: '0.3',
      lineage: JSON.stringify({ operation: 'test', arguments: {}, parents: [] }),
      ...accuracies,
    },
    'layers.0.gap': { dtype: 'U8', shape: [gap.length], data_offsets: [0, weightAt] },
    'layers.0.weight': { dtype: 'U8', shape: [2, units], data_offsets: [weightAt, biasAt] },
    bias: { dtype: 'I16', shape: [units], data_offsets: [biasAt, data.length] },
  });
  // The page knows how long its network is, so this one is padded, as the format allows.
  const shortest = Math.ceil(header.length / 8) * 8;
  const padded = header.padEnd(Math.max(shortest, Math.ceil(atLeastBytes / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, Buffer.from(padded), data]);
}
