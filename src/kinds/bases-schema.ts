import { type Static, Type } from 'typebox';
import { strictObject } from '../core/schema.ts';

const reference = Type.String({ pattern: '^[^\\s@]+:[^\\s@:/]+@sha256:[0-9a-f]{64}$' });

/** References with tag and digest that the `FROM` lines of scaffolded Dockerfiles take: `templates/bases.yaml`. */
export const Bases = strictObject({
  goBuild: reference,
  goRun: reference,
  python: reference,
  nodeBuild: reference,
  nodeRun: reference,
});

export type Bases = Readonly<Static<typeof Bases>>;
