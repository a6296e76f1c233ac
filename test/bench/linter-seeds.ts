/** A file of a primitive that imports what it must not, or only looks as if it did. */
export interface Seed {
  /** What it shows, in a few words. */
  readonly form: string;
  /** Relative to the primitive; by default a file of its own among its code. */
  readonly path?: string;
  readonly text: string;
}

/** Seeds of one language: `a` may import neither the primitive `b` nor the forbidden package. */
export interface Seeds {
  readonly forbidden: readonly Seed[];
  readonly allowed: readonly Seed[];
}

const OTHER_TS = '../../../b/src/index.ts';

/** The other primitive is `@acme/b`, the forbidden package `left-pad`. */
export const typescript: Seeds = {
  forbidden: [
    { form: 'import of a path', text: `import { b } from '${OTHER_TS}';\nconsole.log(b);\n` },
    { form: 'import by name', text: "import { b } from '@acme/b';\nconsole.log(b);\n" },
    { form: 'import of a subpath', text: "import { b } from '@acme/b/src/index.ts';\nconsole.log(b);\n" },
    { form: 'import for its effects', text: "import '@acme/b';\n" },
    { form: 'import in a row', text: "import*as b from'@acme/b';console.log(b)\n" },
    { form: 'export from', text: "export { b } from '@acme/b';\n" },
    { form: 'export all', text: `export * from '${OTHER_TS}';\n` },
    { form: 'import of a type', text: "import type { B } from '@acme/b';\nexport type C = B;\n" },
    { form: 'type in place', text: "export type C = import('@acme/b').B;\n" },
    { form: 'dynamic import', text: "export const b = () => import('@acme/b');\n" },
    { form: 'dynamic import, template', text: 'export const b = () => import(`@acme/b`);\n' },
    { form: 'dynamic import, in parts', text: "export const b = () => import('@acme/' + 'b');\n" },
    { form: 'import and require', text: "import b = require('@acme/b');\nconsole.log(b);\n" },
    { form: 'alias of tsconfig', text: "import { b } from '~b/index.ts';\nconsole.log(b);\n" },
    { form: 'alias of package.json', text: "import { b } from '#b';\nconsole.log(b);\n" },
    { form: 'dependency with another name', text: "import { b } from 'bee';\nconsole.log(b);\n" },
    { form: 'require', path: 'src/required.cjs', text: "module.exports = require('@acme/b');\n" },
    {
      form: 'require under another name',
      path: 'src/renamed.cjs',
      text: "const load = require;\nmodule.exports = load('@acme/b');\n",
    },
    {
      form: 'require of the module',
      path: 'src/module.cjs',
      text: "module.exports = module.require('@acme/b');\n",
    },
    {
      form: 'require.resolve',
      path: 'src/resolved.cjs',
      text: "module.exports = require.resolve('@acme/b');\n",
    },
    {
      form: 'createRequire',
      text: "import { createRequire } from 'node:module';\nexport const b = createRequire(import.meta.url)('@acme/b');\n",
    },
    { form: 'worker', text: `export const w = new Worker(new URL('${OTHER_TS}', import.meta.url));\n` },
    { form: 'glob of Vite', text: "export const all = import.meta.glob('../../../b/src/*.ts');\n" },
    {
      form: 'reference to types',
      text: `/// <reference path="${OTHER_TS}" />\nexport const a = 1;\n`,
    },
    {
      form: 'type in a comment of JavaScript',
      path: 'src/typed.js',
      text: "/** @type {import('@acme/b').B} */\nexport const a = 1;\n",
    },
    {
      form: 'JSX',
      path: 'src/page.tsx',
      text: "import { b } from '@acme/b';\nexport const p = <p>{b}</p>;\n",
    },
    {
      form: 'module in CommonJS of TypeScript',
      path: 'src/c.cts',
      text: "import { b } from '@acme/b';\nb;\n",
    },
    { form: 'test', path: 'src/a.test.ts', text: "import { b } from '@acme/b';\nb;\n" },
    {
      form: 'mock of a test',
      path: 'src/m.test.ts',
      text: "import { vi } from 'vitest';\nvi.mock('@acme/b', () => ({}));\n",
    },
    {
      form: 'actual module of a test',
      path: 'src/n.test.ts',
      text: "import { vi } from 'vitest';\nawait vi.importActual('@acme/b');\n",
    },
    { form: 'config', path: 'vite.config.ts', text: "import { b } from '@acme/b';\nexport default b;\n" },
    {
      form: 'through a shared folder',
      text: "export { b } from '../../../../../packages/shared/index.ts';\n",
    },
    {
      form: 'process that is started',
      text: "import { fork } from 'node:child_process';\nfork('../b/src/index.ts');\n",
    },
    { form: 'forbidden package', text: "import pad from 'left-pad';\npad('a', 2);\n" },
    { form: 'part of a forbidden package', text: "import pad from 'left-pad/lib/pad.js';\npad('a', 2);\n" },
    { form: 'forbidden package, dynamic', text: "export const pad = () => import('left-pad');\n" },
    { form: 'types of a forbidden package', text: "export type P = typeof import('left-pad');\n" },
  ],
  allowed: [
    { form: 'comment', text: "// import { b } from '@acme/b';\nexport const a = 1;\n" },
    { form: 'block comment', text: "/*\nimport pad from 'left-pad';\n*/\nexport const a = 1;\n" },
    { form: 'text that tells', text: "export const a = 'Written in place of @acme/b and left-pad';\n" },
    { form: 'template that tells', text: 'export const a = `import { b } from "@acme/b";`;\n' },
    { form: 'own file of that name', text: "import { a } from './left-pad.ts';\nconsole.log(a);\n" },
    { form: 'file of that name', path: 'src/left-pad.ts', text: 'export const a = 1;\n' },
    { form: 'package with a longer name', text: "import pad from 'left-pad-plus';\npad();\n" },
    { form: 'package with a longer scope', text: "import c from '@acme/bc';\nc();\n" },
    { form: 'own package by its name', text: "export { own } from '@acme/a/src/own.ts';\n" },
    { form: 'target of it', path: 'src/own.ts', text: 'export const own = 1;\n' },
    { form: 'path that comes back', text: "import { own } from '../../../a/src/own.ts';\nown;\n" },
    {
      form: 'method that is called require',
      text: "const o = { require(x: string) {} };\no.require('@acme/b');\n",
    },
    { form: 'pattern', text: 'export const a = /import .* from "left-pad"/;\n' },
    { form: 'module of Node', text: "import { join } from 'node:path';\njoin('a');\n" },
    { form: 'key', text: "export const a = { '@acme/b': 1, 'left-pad': 2 };\n" },
  ],
};

/** The other primitive is the package `acme_b`, the forbidden one `requests`. */
export const python: Seeds = {
  forbidden: [
    { form: 'import', text: 'import acme_b\n' },
    { form: 'import of a module', text: 'import acme_b.api as other\n' },
    { form: 'several in one line', text: 'import json, acme_b\n' },
    { form: 'from a package', text: 'from acme_b import api\n' },
    { form: 'from a module', text: 'from acme_b.api import call\n' },
    { form: 'all', text: 'from acme_b.api import *\n' },
    { form: 'in brackets', text: 'from acme_b import (\n    api,\n)\n' },
    { form: 'over two lines', text: 'from \\\n    acme_b import api\n' },
    { form: 'after a semicolon', text: 'x = 1; import acme_b\n' },
    { form: 'in a function', text: 'def f():\n    from acme_b import api\n    return api\n' },
    { form: 'in try', text: 'try:\n    import acme_b\nexcept ImportError:\n    acme_b = None\n' },
    {
      form: 'of types alone',
      text: 'from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from acme_b.api import call\n',
    },
    { form: 'import_module', text: 'import importlib\n\nb = importlib.import_module("acme_b.api")\n' },
    {
      form: 'import_module under another name',
      text: 'from importlib import import_module as load\n\nb = load("acme_b")\n',
    },
    { form: '__import__', text: 'b = __import__("acme_b")\n' },
    { form: 'runpy', text: 'import runpy\n\nrunpy.run_module("acme_b")\n' },
    {
      form: 'loader of files',
      text: 'from importlib.util import spec_from_file_location\n\nspec_from_file_location("b", "../../../b/src/acme_b/api.py")\n',
    },
    { form: 'other letters of Unicode', text: 'import ａcme_b\n' },
    { form: 'package without __init__', path: 'src/acme_a/plain/inner.py', text: 'import acme_b\n' },
    { form: 'package of a namespace', path: 'src/acme_extra/tool.py', text: 'import acme_b\n' },
    { form: 'script', path: 'scripts/run.py', text: 'import acme_b\n' },
    { form: 'test', path: 'tests/test_a.py', text: 'from acme_b import api\n' },
    { form: 'plugins of pytest', path: 'tests/conftest.py', text: 'pytest_plugins = ["acme_b.api"]\n' },
    {
      form: 'patch in a test',
      path: 'tests/test_b.py',
      text: 'from unittest import mock\n\n\n@mock.patch("acme_b.api.call")\ndef test_a(call):\n    call()\n',
    },
    {
      form: 'process that is started',
      text: 'import subprocess\nimport sys\n\nsubprocess.run([sys.executable, "-m", "acme_b.api"])\n',
    },
    { form: 'forbidden package', text: 'import requests\n' },
    { form: 'part of a forbidden package', text: 'from requests.adapters import HTTPAdapter\n' },
    {
      form: 'forbidden package, dynamic',
      text: 'import importlib\n\nr = importlib.import_module("requests")\n',
    },
    {
      form: 'forbidden package in a function',
      text: 'def f():\n    import requests\n\n    return requests\n',
    },
  ],
  allowed: [
    { form: 'comment', text: '# import acme_b\n' },
    { form: 'docstring', text: '"""Written in place of acme_b.\n\nimport requests\n"""\n' },
    { form: 'text that tells', text: 'a = "see acme_b and requests"\n' },
    { form: 'own module of that name', text: 'from acme_a import requests\n\nrequests.a()\n' },
    { form: 'the module', path: 'src/acme_a/requests.py', text: 'def a():\n    return 1\n' },
    { form: 'own relative module', text: 'from . import requests\n\nrequests.a()\n' },
    { form: 'own module with the name of the other', text: 'from .acme_b import own\n\nown()\n' },
    { form: 'the module', path: 'src/acme_a/acme_b.py', text: 'def own():\n    return 1\n' },
    { form: 'package with a longer name', text: 'import requests_like\n' },
    { form: 'name of a variable', text: 'requests = []\nrequests.append(1)\n' },
    { form: 'standard library', text: 'import json\nfrom urllib import request\n\njson, request\n' },
    {
      form: 'method that is called import_module',
      text: 'class O:\n    def load(self, name):\n        return name\n\n\nO().load("acme_b")\n',
    },
  ],
};

/** The other primitive is the module `example.com/acme/b`, the forbidden packages are `log` and those below it. */
export const go: Seeds = {
  forbidden: [
    { form: 'import', text: 'package seed\n\nimport "example.com/acme/b"\n\nvar B = b.B\n' },
    {
      form: 'import of a package',
      text: 'package seed\n\nimport "example.com/acme/b/api"\n\nvar B = api.B\n',
    },
    {
      form: 'in brackets',
      text: 'package seed\n\nimport (\n\t"fmt"\n\n\t"example.com/acme/b"\n)\n\nvar B = fmt.Sprint(b.B)\n',
    },
    {
      form: 'under another name',
      text: 'package seed\n\nimport other "example.com/acme/b"\n\nvar B = other.B\n',
    },
    { form: 'with a dot', text: 'package seed\n\nimport . "example.com/acme/b"\n\nvar C = B\n' },
    { form: 'for its effects', text: 'package seed\n\nimport _ "example.com/acme/b"\n' },
    { form: 'raw string', text: 'package seed\n\nimport `example.com/acme/b`\n\nvar B = b.B\n' },
    { form: 'in a row', text: 'package seed;import"example.com/acme/b";var B=b.B\n' },
    {
      form: 'after a comment',
      text: 'package seed\n\nimport /* so */ "example.com/acme/b"\n\nvar B = b.B\n',
    },
    {
      form: 'test',
      path: 'seeds/tested/a_test.go',
      text: 'package tested\n\nimport _ "example.com/acme/b"\n',
    },
    {
      form: 'test from outside',
      path: 'seeds/outer/a_test.go',
      text: 'package outer_test\n\nimport _ "example.com/acme/b"\n',
    },
    {
      form: 'another system',
      path: 'seeds/windows/a_windows.go',
      text: 'package windows\n\nimport _ "example.com/acme/b"\n',
    },
    {
      form: 'build tag',
      path: 'seeds/tagged/a.go',
      text: '//go:build integration\n\npackage tagged\n\nimport _ "example.com/acme/b"\n',
    },
    {
      form: 'ignored by the build',
      path: 'seeds/ignored/gen.go',
      text: '//go:build ignore\n\npackage main\n\nimport _ "example.com/acme/b"\n\nfunc main() {}\n',
    },
    {
      form: 'linkname',
      text: 'package seed\n\nimport _ "unsafe"\n\n//go:linkname f example.com/acme/b/api.f\nfunc f()\n\nvar F = f\n',
    },
    { form: 'plugin', text: 'package seed\n\nimport "plugin"\n\nvar P, _ = plugin.Open("../b/plugin.so")\n' },
    { form: 'go generate', text: 'package seed\n\n//go:generate go run ../../../b/tool\n' },
    {
      form: 'through a shared module',
      text: 'package seed\n\nimport "example.com/shared"\n\nvar B = shared.B\n',
    },
    { form: 'forbidden package', text: 'package seed\n\nimport "log"\n\nfunc F() { log.Print() }\n' },
    {
      form: 'below a forbidden package',
      text: 'package seed\n\nimport "log/slog"\n\nfunc F() { slog.Info("a") }\n',
    },
    { form: 'forbidden package for its effects', text: 'package seed\n\nimport _ "log"\n' },
    {
      form: 'forbidden package on another system',
      path: 'seeds/plan9/a_plan9.go',
      text: 'package plan9\n\nimport _ "log"\n',
    },
  ],
  allowed: [
    { form: 'comment', text: 'package seed\n\n// import "example.com/acme/b"\n' },
    { form: 'block comment', text: 'package seed\n\n/*\nimport "log"\n*/\n' },
    { form: 'text that tells', text: 'package seed\n\nconst A = "see example.com/acme/b and log"\n' },
    { form: 'code in a text', text: 'package seed\n\nconst A = `\nimport "example.com/acme/b"\n`\n' },
    {
      form: 'own package of that name',
      text: 'package seed\n\nimport "example.com/acme/a/log"\n\nvar A = log.A\n',
    },
    { form: 'the package', path: 'log/log.go', text: 'package log\n\nvar A = 1\n' },
    {
      form: 'module with a longer name',
      text: 'package seed\n\nimport "example.com/acme/bc"\n\nvar A = bc.A\n',
    },
    {
      form: 'name of a variable',
      text: 'package seed\n\nvar log = []int{}\n\nfunc F() int { return len(log) }\n',
    },
    { form: 'standard library', text: 'package seed\n\nimport "path"\n\nvar A = path.Join("a")\n' },
    {
      form: 'package whose name begins alike',
      text: 'package seed\n\nimport "example.com/acme/a/logic"\n\nvar A = logic.A\n',
    },
    { form: 'the package', path: 'logic/logic.go', text: 'package logic\n\nvar A = 1\n' },
  ],
};
