/** The ℓ∞-dist net under attack, in a Worker. */
import init, { Attacker, Certifier } from '../../../pkg/certify/certify.js';
import type { Engine, Supply } from '../workers/attack-protocol.ts';

export async function openCertifyEngine({ model, program }: Supply): Promise<Engine> {
  await init({ module_or_path: program });
  const [certifier, attacker] = [new Certifier(model), new Attacker(model)];
  return {
    inspect(image, epsilonLevels) {
      const { label, logits, ibpRadiusLevels, lipschitzRadiusLevels } = certifier.certify(image);
      const { lower, upper, certified } = certifier.bounds(image, epsilonLevels);
      return { label, logits, ibpRadiusLevels, lipschitzRadiusLevels, lower, upper, certified };
    },
    paint: (image, painted, epsilonLevels) =>
      attacker.paint(image, Float32Array.from(painted), epsilonLevels, 'levels'),
    start: ({ image, attack, epsilonLevels, seed }) =>
      attacker.start(image, { attack, epsilonLevels, grid: 'levels', seed }),
    advance: (queries) => attacker.advance(queries),
  };
}
