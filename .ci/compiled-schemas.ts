import { join } from 'node:path';
import type { Plugin } from 'rolldown';
import type { TSchema } from 'typebox';
import { Build } from 'typebox/schema';

const SCHEMAS = /[\\/]src[\\/].*-schema\.ts$/;
/** Where a schema module is told of the checks. */
const CHECKS = join(import.meta.dirname, '../src/core/schema.ts');

/**
 * Lets a command check a file without the schema library, most of whose time goes to loading it: the modules whose names
 * end in `-schema.ts` become what they evaluate to, JSON Schemas, each with the check that TypeBox compiles of it.
 */
export const compiledSchemas: Plugin = {
  name: 'compiled-schemas',
  async load(id) {
    if (!SCHEMAS.test(id)) return undefined;
    const exported: Readonly<Record<string, TSchema>> = await import(id);
    const schemas = Object.entries(exported).map(
      ([name, schema]) =>
        `export const ${name} = /* @__PURE__ */ withCheck(${JSON.stringify(schema)}, ${checkOf(schema)});`,
    );
    const imports = [
      `import { withCheck } from ${JSON.stringify(CHECKS)};`,
      "import { Guard } from 'typebox/guard';",
    ];
    return { code: [...imports, ...schemas].join('\n'), moduleType: 'js' };
  },
};

/** An expression: the function that says whether its argument has the shape of the schema. */
function checkOf(schema: TSchema): string {
  const build = Build(schema);
  const { identifier, variables } = build.External();
  const externals = variables.map((variable) => {
    if (variable instanceof RegExp) return String(variable);
    throw new Error(`the check of a schema needs ${typeof variable}, which is not written down`);
  });
  if (build.UseUnevaluated()) throw new Error('the check of a schema needs the schema library');
  return `/* @__PURE__ */ (() => { const ${identifier} = [${externals.join(', ')}]; ${build.Functions().join(';\n')}; return (value) => ${build.Entry()}; })()`;
}
