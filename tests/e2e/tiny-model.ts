/**
 * Networks with a known answer, as docs/model-format.md describes the file: for the answers that
 * no trained network can be relied upon to give.
 */

/**
 * One layer, and every unit looks at the top left pixel alone: where that is background, the
 * logits are minus `bias`, in units of 1/32 level, for any drawing whatsoever. `accuracies` are
 * more entries of the metadata.
 */
export function modelOfBias(
  bias: readonly number[],
  atLeastBytes: number,
  accuracies: Record<string, string> = {},
): Buffer {
  const classes = bias.length;
  const kept = Buffer.alloc(classes * 98);
  for (let row = 0; row < classes; row += 1) kept.writeUInt8(1, row * 98);
  const weight = Buffer.alloc(classes * 2);
  const biases = Buffer.alloc(classes * 2);
  bias.forEach((value, index) => biases.writeInt16LE(value, 2 * index));
  const data = Buffer.concat([kept, weight, biases]);

  const [weightAt, biasAt] = [kept.length, kept.length + weight.length];
  const header = JSON.stringify({
    __metadata__: {
      format: 'linf-dist-net',
      format_version: '1',
      architecture: `784-${classes}`,
      scale: '32',
      dataset: 'mnist',
      epsilon: '0.3',
      recipe: 'none',
      seed: '0',
      command: 'none',
      ...accuracies,
    },
    'layers.0.kept': { dtype: 'U8', shape: [classes, 98], data_offsets: [0, weightAt] },
    'layers.0.weight': { dtype: 'I16', shape: [classes], data_offsets: [weightAt, biasAt] },
    bias: { dtype: 'I16', shape: [classes], data_offsets: [biasAt, data.length] },
  });
  // The page knows how long its network is, so this one is padded, as the format allows.
  const shortest = Math.ceil(header.length / 8) * 8;
  const padded = header.padEnd(Math.max(shortest, Math.ceil(atLeastBytes / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, Buffer.from(padded), data]);
}
