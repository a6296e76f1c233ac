import { Type } from 'typebox';
import { strictObject } from '../core/schema.ts';

/** `primitive.version/v1`: `--version --json`, which `bin/run.js` answers by itself. */
export const versionSchema = strictObject({
  schema: Type.Literal('primitive.version/v1'),
  version: Type.String(),
  node: Type.String(),
  host: Type.String({ description: 'linux-x64' }),
});
