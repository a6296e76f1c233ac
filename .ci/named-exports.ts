import type { Plugin } from 'esbuild';

/**
 * Lets `const { parse } = await import('package')` find in a bundle what it finds in Node: of a CommonJS package that
 * is imported dynamically esbuild keeps only the default export. The names are asked of Node itself.
 */
export const namedExports: Plugin = {
  name: 'named-exports',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[@a-z]/ }, ({ path, kind, resolveDir }) =>
      kind !== 'dynamic-import' || path.startsWith('node:') || path.endsWith('.json')
        ? undefined
        : { path, namespace: 'named-exports', pluginData: resolveDir },
    );
    onLoad({ filter: /.*/, namespace: 'named-exports' }, async ({ path, pluginData }) => {
      const names = Object.keys(await import(path)).filter((name) => /^[\w$]+$/.test(name));
      return { contents: `export { ${names.join(', ')} } from '${path}';`, resolveDir: pluginData };
    });
  },
};
