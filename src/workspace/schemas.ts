import type { TSchema } from 'typebox';
import { KindFile } from '../kinds/kind-schema.ts';
import { ConfigFile } from './config-schema.ts';
import { PrimitiveFile } from './primitive-schema.ts';

/** A JSON Schema to be published with the package, for editors and other readers. */
export interface SchemaDocument {
  /** Below `schemas/`. */
  readonly file: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

/** Schemas of the files that people write. */
export const schemaDocuments: readonly SchemaDocument[] = [
  document('primitive.config.v1.json', 'primitive.config.yaml', ConfigFile),
  document('primitive.primitive.v1.json', 'primitive.yaml', PrimitiveFile),
  document('primitive.kind.v1.json', 'kind.yaml', KindFile),
];

function document(file: string, title: string, schema: TSchema): SchemaDocument {
  return {
    file,
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: `https://raw.githubusercontent.com/ameideio/primitive/main/schemas/${file}`,
      title,
      ...schema,
    },
  };
}
