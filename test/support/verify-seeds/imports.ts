import type { Files } from '../verify-corpus/tree.ts';
import type { Seed } from './seed.ts';

const ORDERS = 'primitives/domain/orders';
const SHOP = 'primitives/uisurface/shop';
const HELPER = 'primitives/agent/helper';

const RUN = 'a file of data that `require` makes Node.js run';
const LOADER = 'a loader that is handed on as a value, are not seen';
const COMPUTED = 'Paths and names that a program puts together';
const REGISTRY = 'not into what a registry has';

const manifest = (name: string, more = '') =>
  `kind: ${name.split('/')[0]}\nname: ${name.split('/')[1]}\n${more}`;

/** Three languages with two primitives of each, an SDK of each, and code beside them; nothing is wrong in it. */
export const importBase: Files = {
  'primitive.config.yaml': `registry: ghcr.io/acme
imports:
  sdk: { go: [example.com/acme/sdk], ts: ["@acme/sdk"], python: [acme_sdk] }
  forbidden: [github.com/pkg/errors, lodash, requests]
`,
  [`${ORDERS}/primitive.yaml`]: manifest('domain/orders'),
  [`${ORDERS}/go.mod`]:
    'module example.com/acme/orders\n\ngo 1.26\n\nrequire (\n\texample.com/acme/sdk v1.0.0\n\tgithub.com/google/uuid v1.6.0\n)\n',
  [`${ORDERS}/internal/item/item.go`]: 'package item\n\nimport (\n\t"fmt"\n\n\t"github.com/google/uuid"\n)\n',
  'primitives/domain/billing/primitive.yaml': manifest('domain/billing'),
  'primitives/domain/billing/go.mod': 'module example.com/acme/billing\n\ngo 1.26\n',
  'primitives/domain/billing/api/api.go': 'package api\n',
  'primitives/domain/billing/api/api.h': '',
  'packages/sdk-go/go.mod': 'module example.com/acme/sdk\n',
  'packages/sdk-go/orders.go': 'package sdk\n',
  'packages/lib-go/go.mod': 'module example.com/acme/lib\n',
  'packages/lib-go/lib.go': 'package lib\n',

  [`${SHOP}/primitive.yaml`]: manifest('uisurface/shop'),
  [`${SHOP}/package.json`]:
    '{ "name": "@acme/shop", "type": "module", "dependencies": { "react": "19.2.0", "@acme/sdk": "workspace:*" } }',
  [`${SHOP}/src/a.ts`]: "import 'react';\nimport { join } from 'node:path';\nimport '@acme/sdk';\n",
  'primitives/uisurface/admin/primitive.yaml': manifest('uisurface/admin'),
  'primitives/uisurface/admin/package.json': '{ "name": "@acme/admin", "version": "1.0.0" }',
  'primitives/uisurface/admin/src/index.ts': 'export const admin = 1;\n',
  'packages/sdk-ts/package.json': '{ "name": "@acme/sdk", "version": "1.0.0" }',
  'packages/sdk-ts/index.ts': 'export const sdk = 1;\n',
  'package.json': '{ "private": true, "workspaces": ["primitives/*/*", "packages/*"] }',

  [`${HELPER}/primitive.yaml`]: manifest('agent/helper'),
  [`${HELPER}/pyproject.toml`]:
    '[project]\nname = "helper"\nversion = "1"\ndependencies = ["fastapi", "acme-sdk"]\n',
  [`${HELPER}/src/helper/__init__.py`]: 'import os\nimport fastapi\n',
  'primitives/agent/other/primitive.yaml': manifest('agent/other'),
  'primitives/agent/other/pyproject.toml': '[project]\nname = "other"\nversion = "1"\n',
  'primitives/agent/other/src/other/__init__.py': '',
  'primitives/agent/other/src/other/api.py': '',
  'primitives/agent/flat/primitive.yaml': manifest('agent/flat'),
  'primitives/agent/flat/pyproject.toml': '[project]\nname = "flat"\nversion = "1"\n',
  'primitives/agent/flat/python/space/flat/api.py': '',
  'primitives/agent/flat/single.py': '',
};

const go = (body: string) => ({ [`${ORDERS}/internal/a.go`]: `package internal\n\n${body}\n` });
const goMod = (line: string) => ({ [`${ORDERS}/go.mod`]: `${importBase[`${ORDERS}/go.mod`]}\n${line}\n` });
const ts = (body: string) => ({ [`${SHOP}/src/b.ts`]: `${body}\n` });
const packageJson = (more: string) => ({
  [`${SHOP}/package.json`]: `{ "name": "@acme/shop", "type": "module", "dependencies": { "react": "19.2.0", "@acme/sdk": "workspace:*", ${more} } }`,
});
const shop = (more: string) => ({
  [`${SHOP}/package.json`]: `{ "name": "@acme/shop", "dependencies": { "react": "19.2.0", "@acme/sdk": "workspace:*" }, ${more} }`,
});
const tsconfig = (options: string, name = 'tsconfig.json') => ({
  [`${SHOP}/${name}`]: `{ "compilerOptions": ${options} }`,
});
const python = (body: string) => ({ [`${HELPER}/src/helper/b.py`]: `${body}\n` });
const pyproject = (more: string) => ({
  [`${HELPER}/pyproject.toml`]: `[project]\nname = "helper"\nversion = "1"\ndependencies = ["fastapi", "other"]\n${more}\n`,
});

/** Without a dependency on another primitive. */
const settings = (more: string) => ({
  [`${HELPER}/pyproject.toml`]: `${importBase[`${HELPER}/pyproject.toml`]}\n${more}\n`,
});

const OTHER = '../../../../domain/billing/api';
const ADMIN = '../../admin/src/index.ts';

/** Name -> files, and the limit where nothing is said. */
type Seeds = Readonly<Record<string, Files | readonly [Files, string]>>;

const GO: Seeds = {
  direct: go('import "example.com/acme/billing/api"'),
  'with a dot': go('import . "example.com/acme/billing/api"'),
  blank: go('import _ "example.com/acme/billing/api"'),
  'raw text': go('import `example.com/acme/billing/api`'),
  escaped: go('import "example.com/acme/b\\x69lling/api"'),
  'behind a comment': go('/* import "fmt" */ import "example.com/acme/billing/api"'),
  'behind a line separator': go('// \u2028 func\nimport "example.com/acme/billing/api"'),
  relative: go(`import "${OTHER}"`),
  'with a build tag': {
    [`${ORDERS}/internal/a.go`]:
      '//go:build never\n\npackage internal\n\nimport "example.com/acme/billing/api"\n',
  },
  'of another system': {
    [`${ORDERS}/internal/a_plan9.go`]: 'package internal\n\nimport "example.com/acme/billing/api"\n',
  },
  'of a test': {
    [`${ORDERS}/internal/a_test.go`]: 'package internal\n\nimport "example.com/acme/billing/api"\n',
  },
  'in testdata': { [`${ORDERS}/testdata/a.go`]: 'package a\n\nimport "example.com/acme/billing/api"\n' },
  'by replace': {
    ...go('import "example.com/vanity/x"'),
    ...goMod('replace example.com/vanity/x => ../billing/api'),
  },
  'replace that nothing needs': goMod('replace example.com/vanity/x => ../billing'),
  'workspace of its own': { [`${ORDERS}/go.work`]: 'go 1.26\n\nuse (\n\t.\n\t../billing\n)\n' },
  'SDK replaced by a primitive': {
    ...go('import "example.com/acme/sdk"'),
    ...goMod('replace example.com/acme/sdk => ../billing'),
  },
  'by go.work': {
    ...go('import "example.com/vanity/x"'),
    'go.work': 'go 1.26\n\nreplace example.com/vanity/x => ./primitives/domain/billing/api\n',
  },
  'replaced by a driver': {
    ...go('import "example.com/log"'),
    ...goMod('require example.com/log v1.0.0\nreplace example.com/log => github.com/lib/pq v1.10.0'),
  },
  'go:linkname': go('import _ "unsafe"\n\n//go:linkname f example.com/acme/billing/api.f\nfunc f()'),
  'include of cgo': go(`// #include "${OTHER}/api.h"\nimport "C"`),
  'include in a file of C': {
    ...go('import "C"'),
    [`${ORDERS}/internal/a.c`]: `#include "${OTHER}/api.h"\n`,
  },
  'forbidden module': goMod('require github.com/pkg/errors v0.9.1'),
  'forbidden tool': goMod('tool github.com/pkg/errors/cmd/x'),
  'forbidden import': go('import "github.com/pkg/errors"'),
  'of no manifest': go('import "github.com/acme/unknown"'),
  'without a domain': go('import "internalthing/x"'),
  'out of the repository': go('import "../../../../../../outside"'),
  'code beside primitives': {
    ...go('import "example.com/acme/lib"'),
    ...goMod('replace example.com/acme/lib => ../../../packages/lib-go'),
  },
  'by an SDK': {
    ...go('import "example.com/acme/sdk"'),
    'packages/sdk-go/orders.go': 'package sdk\n\nimport "example.com/acme/billing/api"\n',
  },
  'pgx outside of its layer': {
    ...go('import "github.com/jackc/pgx/v5"'),
    ...goMod('require github.com/jackc/pgx/v5 v5.12.0'),
  },
  'SQLite outside of its layer': {
    ...go('import "modernc.org/sqlite"'),
    ...goMod('require modernc.org/sqlite v1.40.0'),
  },
  'driver in a folder called test': {
    [`${ORDERS}/internal/test/db.go`]: 'package test\n\nimport "database/sql"\n',
  },
  'text of Windows': {
    [`${ORDERS}/internal/a.go`]: Buffer.from(
      '\ufeffpackage internal\n\nimport "example.com/acme/billing/api"\n',
      'utf16le',
    ),
  },
  'plugin of a sibling': go('func f() { plugin.Open("../../billing/plugin.so") }'),
  'path of a sibling in parts': go('var a = filepath.Join("..", "..", "billing", "api")'),
  'program that go generate runs': go('//go:generate go run ../../billing/api'),
  'program of a sibling': go('var c = exec.Command("go", "run", "../../billing/api")'),
  'path from the root': go('var a = "primitives/domain/billing/api"'),
  'files of a sibling': go('var f = os.DirFS("../../billing")'),
  'path that is put together': [go('var a = "../../bill" + "ing/plugin.so"'), COMPUTED],
  'by the code of a registry': [{ ...go('import "github.com/google/uuid"') }, REGISTRY],
};

const TYPESCRIPT: Seeds = {
  direct: ts(`import '${ADMIN}';`),
  'export from': ts(`export * from '${ADMIN}';`),
  'type only': ts(`import type { admin } from '${ADMIN}';`),
  'type of an import': ts(`export type A = typeof import('${ADMIN}');`),
  require: ts(`require('${ADMIN}');`),
  'optional require': ts(`require?.('${ADMIN}');`),
  'require in a sequence': ts(`(0, require)('${ADMIN}');`),
  'require by another name': ts(`const r = require;\nr('${ADMIN}');`),
  createRequire: ts(
    `import { createRequire } from 'node:module';\ncreateRequire(import.meta.url)('${ADMIN}');`,
  ),
  dynamic: ts(`await import('${ADMIN}');`),
  template: ts(`await import(\`${ADMIN}\`);`),
  'texts put together': ts(`await import('../../admin/' + 'src/index.ts');`),
  'import equals': ts(`import admin = require('${ADMIN}');`),
  'triple slash': ts(`/// <reference path="${ADMIN}" />`),
  'comment of JavaScript': {
    [`${SHOP}/src/b.js`]: `/** @type {import('${ADMIN}').admin} */\nexport const a = 1;\n`,
  },
  'URL of a worker': ts(`new Worker(new URL('${ADMIN}', import.meta.url));`),
  'resolve of import.meta': ts(`import.meta.resolve('${ADMIN}');`),
  'glob of import.meta': ts("import.meta.glob('../../admin/src/*.ts');"),
  getBuiltinModule: ts("process.getBuiltinModule('node:sqlite');"),
  'name of a workspace': { ...ts("import '@acme/admin';"), ...packageJson('"@acme/admin": "workspace:*"') },
  'subpath of a workspace': { ...ts("import '@acme/admin/src';"), ...packageJson('"@acme/admin": "1.0.0"') },
  'file: of package.json': { ...ts("import 'x';"), ...packageJson('"x": "file:../admin"') },
  'alias of a workspace': { ...ts("import 'x';"), ...packageJson('"x": "workspace:@acme/admin@*"') },
  'alias of npm': { ...ts("import 'db';"), ...packageJson('"db": "npm:pg@8"') },
  'SDK by file:': {
    ...ts("import '@acme/sdk';"),
    [`${SHOP}/package.json`]:
      '{ "name": "@acme/shop", "dependencies": { "react": "19.2.0", "@acme/sdk": "file:../admin" } }',
  },
  'SDK by tsconfig': {
    ...ts("import '@acme/sdk';"),
    ...tsconfig('{ "paths": { "@acme/sdk": ["../admin/src/index.ts"] } }'),
  },
  'paths of tsconfig': {
    ...ts("import '~admin/index';"),
    ...tsconfig('{ "paths": { "~admin/*": ["../admin/src/*"] } }'),
  },
  'references of tsconfig': {
    ...ts("import '~admin/index';"),
    [`${SHOP}/tsconfig.json`]: '{ "files": [], "references": [{ "path": "./tsconfig.app.json" }] }',
    ...tsconfig('{ "paths": { "~admin/*": ["../admin/src/*"] } }', 'tsconfig.app.json'),
  },
  'rootDirs of tsconfig': {
    ...ts("import './index.ts';"),
    ...tsconfig('{ "rootDirs": ["./src", "../admin/src"] }'),
  },
  'alias of Vite': {
    ...ts("import '~admin/index';"),
    [`${SHOP}/vite.config.ts`]: "export default { resolve: { alias: { '~admin': '../admin/src' } } };\n",
  },
  'imports of package.json': {
    ...ts("import '#admin';"),
    [`${SHOP}/package.json`]:
      '{ "name": "@acme/shop", "imports": { "#admin": "../admin/src/index.ts" }, "dependencies": { "react": "19.2.0", "@acme/sdk": "workspace:*" } }',
  },
  'require in parts of a module': ts(`const { require: load } = module;\nload('${ADMIN}');`),
  'require in a list': ts(`const [load] = [require];\nload('${ADMIN}');`),
  'require as a default': ts(`export const f = (load = require) => load('${ADMIN}');`),
  'call of require': ts(`require.call(null, '${ADMIN}');`),
  'apply of require': ts(`require.apply(module, ['${ADMIN}']);`),
  'bind of require': ts(`require.bind(null)('${ADMIN}');`),
  '_load of a module': ts(`require('node:module')._load('${ADMIN}');`),
  'createRequire in parts of a module': ts(
    `const { createRequire: make } = require('node:module');\nmake(__filename)('${ADMIN}');`,
  ),
  'createRequire as a member': ts(
    `import * as m from 'node:module';\nconst make = m['createRequire'];\nmake(import.meta.url)('${ADMIN}');`,
  ),
  'loader as a value, of a workspace': ts("[require].map((load) => load('@acme/admin'));"),
  'require of the main module': ts(`process.mainModule.require('${ADMIN}');`),
  'require of the global object': ts(`globalThis.require('${ADMIN}');`),
  'context of webpack': ts("require.context('../../admin/src');"),
  'worker by its path': ts(`new Worker('${ADMIN}');`),
  importScripts: ts(`importScripts('${ADMIN}');`),
  'hooks of a module': ts(`import { register } from 'node:module';\nregister('${ADMIN}', import.meta.url);`),
  'importActual of Vitest': ts(`export const a = await vi.importActual('${ADMIN}');`),
  'requireActual of Jest': ts(`jest.requireActual('${ADMIN}');`),
  'mock of Vitest': ts(`vi.mock('${ADMIN}');`),
  'overrides of npm': shop('"overrides": { "react": "file:../admin" }'),
  'overrides of npm in the root': {
    'package.json':
      '{ "private": true, "workspaces": ["primitives/*/*"], "overrides": { "react": "file:primitives/uisurface/admin" } }',
  },
  'resolutions of Yarn': shop('"resolutions": { "**/react": "file:../admin" }'),
  'overrides of pnpm, nested': shop('"pnpm": { "overrides": { "react@19>scheduler": "link:../admin" } }'),
  'overrides of npm, nested and with versions': shop(
    '"overrides": { "x": { "@acme/y@1": { ".": "2", "react@npm:19/x": "file:../admin" } } }',
  ),
  'overrides of npm by a dot': shop('"overrides": { "react": { ".": "file:../admin" } }'),
  'overrides in thousands of levels': shop(
    `"overrides": ${'{"a":'.repeat(20_000)}{ "react": "file:../admin" }${'}'.repeat(20_000)}`,
  ),
  'entry for browsers': shop('"browser": { "react": "../admin/src/index.ts" }'),
  'exports of package.json': shop('"exports": { "./x": { "import": "../admin/src/index.ts" } }'),
  'include of tsconfig': { [`${SHOP}/tsconfig.json`]: '{ "include": ["src", "../admin/src/**/*.ts"] }' },
  'reference of tsconfig': { [`${SHOP}/tsconfig.json`]: '{ "references": [{ "path": "../admin" }] }' },
  'imports of Deno': {
    [`${SHOP}/deno.json`]: '{ "imports": { "react": "../admin/src/index.ts" } }',
  },
  'alias of webpack': {
    [`${SHOP}/webpack.config.js`]: "module.exports = { resolve: { alias: { react: '../admin/src' } } };\n",
  },
  'alias that a program adds': {
    [`${SHOP}/next.config.js`]:
      "module.exports = { webpack: (c) => {\n  c.resolve.alias.react = '../admin';\n  return c;\n} };\n",
  },
  'alias by a pattern': {
    [`${SHOP}/vite.config.ts`]:
      "export default { resolve: { alias: [{ find: /^react$/, replacement: '../admin/src' }] } };\n",
  },
  'alias from elsewhere': {
    [`${SHOP}/vite.config.ts`]:
      "import { alias } from './alias.ts';\n\nexport default { resolve: { alias } };\n",
    [`${SHOP}/alias.ts`]: "export const alias = { react: '../admin/src' };\n",
  },
  'in a component of Vue': { [`${SHOP}/src/b.vue`]: `<script>import '${ADMIN}';</script>\n` },
  'in a component of Svelte': { [`${SHOP}/src/b.svelte`]: `<script>import '${ADMIN}';</script>\n` },
  'forbidden package': { ...ts("import 'lodash/get';"), ...packageJson('"lodash": "4.17.21"') },
  'forbidden in the manifest alone': packageJson('"lodash": "4.17.21"'),
  'of no manifest': ts("import 'left-pad';"),
  'made by a tool': ts("import 'virtual:pages';"),
  'known at run time': ts('export const load = (name: string) => import(name);'),
  'driver in src/test': { [`${SHOP}/src/test/db.ts`]: "import 'pg';\n", ...packageJson('"pg": "8.16.0"') },
  'by an SDK': {
    ...ts("import '@acme/sdk';"),
    'packages/sdk-ts/index.ts': "import '@acme/admin';\n",
    'packages/sdk-ts/package.json':
      '{ "name": "@acme/sdk", "version": "1.0.0", "dependencies": { "@acme/admin": "workspace:*" } }',
  },
  'does not parse': ts('import { from;'),
  'a loader as a value': ts(`[require].map((load) => load('${ADMIN}'));`),
  'a loader as a value, of a name that is put together': [
    ts("[require].map((load) => load('../../ad' + 'min/src/index.ts'));"),
    LOADER,
  ],
  fork: ts(`import { fork } from 'node:child_process';\nfork('${ADMIN}');`),
  'fork by another name': ts(`import { fork as start } from 'node:child_process';\nstart('${ADMIN}');`),
  'program of Node.js': ts(`execFile(process.execPath, ['--import', '${ADMIN}']);`),
  'code in a text': ts(`eval("require('${ADMIN}')");`),
  'path in parts': ts("const a = join(import.meta.dirname, '..', '..', 'admin', 'src');"),
  'path behind a folder': ts(`const a = \`\${import.meta.dirname}/../../admin/src/index.ts\`;`),
  'path from the root': ts("const a = 'primitives/uisurface/admin/src/index.ts';"),
  'path from the primitive': ts("const a = '../admin/src/index.ts';"),
  'mock of a workspace': ts("vi.mock('@acme/admin');"),
  'script of package.json': shop('"scripts": { "start": "node --import ../admin/src/index.ts" }'),
  'moduleNameMapper of Jest': shop('"jest": { "moduleNameMapper": { "react": "<rootDir>/../admin/src" } }'),
  'link in a lock file': {
    [`${SHOP}/package-lock.json`]:
      '{ "packages": { "node_modules/react": { "resolved": "../admin", "link": true } } }',
  },
  'program without a suffix': {
    [`${SHOP}/bin/run`]: `#!/usr/bin/env node\nimport('../../admin/src/index.ts');\n`,
  },
  'file of another suffix': {
    ...ts("import './b.es6';"),
    [`${SHOP}/src/b.es6`]: `import '${ADMIN}';\n`,
  },
  'compiled code': { [`${SHOP}/src/b.node`]: Uint8Array.from([0x7f, 0x45, 0x4c, 0x46, 0]) },
  'data that is run': [{ ...ts("require('./b.md');"), [`${SHOP}/src/b.md`]: `require('${ADMIN}');\n` }, RUN],
  'files of package.json': shop('"files": ["../admin/src"]'),
};

const PYTHON: Seeds = {
  direct: python('import other.api'),
  from: python('from other import api'),
  relative: python('from .....other.src.other import api'),
  lazy: python('def f() -> None:\n    import other'),
  TYPE_CHECKING: python('from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import other'),
  star: python('from other.api import *'),
  importlib: python('import importlib\nimportlib.import_module("other.api")'),
  'importlib by another name': python('from importlib import import_module as load\nload("other")'),
  __import__: python('__import__("other")'),
  runpy: python('import runpy\nrunpy.run_module("other.api")'),
  spec_from_file_location: python(
    'from importlib.util import spec_from_file_location\nspec_from_file_location("a", "primitives/agent/other/src/other/api.py")',
  ),
  'pkgutil.resolve_name': python('import pkgutil\npkgutil.resolve_name("other.api:x")'),
  pytest_plugins: { [`${HELPER}/tests/conftest.py`]: 'pytest_plugins = ["other.api"]\n' },
  'in a stub file': { [`${HELPER}/src/helper/b.pyi`]: 'import other\n' },
  'in another encoding': {
    [`${HELPER}/src/helper/b.py`]: Buffer.from(
      '# coding: latin-1\nname = "\u00e9"\nimport other\n',
      'latin1',
    ),
  },
  'letters of another width': python('import ｏther'),
  'namespace in a python folder': python('import space.flat.api'),
  'single module': python('import single'),
  'path source of uv': {
    ...python('import renamed'),
    ...pyproject('[tool.uv.sources]\nother = { path = "../other" }'),
  },
  'dependency on a primitive': pyproject('[tool.uv.sources]\nother = { path = "../other" }'),
  'folder in a list of pip': { [`${HELPER}/requirements.txt`]: 'fastapi\n-e ../other[extra]\n' },
  'list of a primitive in a list of pip': {
    [`${HELPER}/requirements.txt`]: '-r ../other/requirements.txt\n',
  },
  'path of Poetry under another name': {
    ...python('import renamed'),
    ...pyproject('[tool.poetry.dependencies]\nrenamed = { path = "../other" }'),
  },
  'in a program without a console': { [`${HELPER}/src/helper/b.pyw`]: 'import other\n' },
  'in a notebook': { [`${HELPER}/notes/b.ipynb`]: '{ "cells": [{ "source": ["import other"] }] }\n' },
  'by the folders of primitives': python('import primitives.agent.other'),
  'forbidden package': {
    ...python('import requests'),
    ...{
      [`${HELPER}/pyproject.toml`]:
        '[project]\nname = "helper"\nversion = "1"\ndependencies = ["fastapi", "requests"]\n',
    },
  },
  'driver outside of its layer': {
    ...python('import pymysql'),
    [`${HELPER}/pyproject.toml`]:
      '[project]\nname = "helper"\nversion = "1"\ndependencies = ["fastapi", "pymysql"]\n',
  },
  'driver in a folder called integration': {
    [`${HELPER}/src/helper/integration/db.py`]: 'import psycopg\n',
    [`${HELPER}/pyproject.toml`]:
      '[project]\nname = "helper"\nversion = "1"\ndependencies = ["fastapi", "psycopg"]\n',
  },
  'of no manifest': python('import numpy'),
  'of dependencies that a program computes': {
    ...python('import numpy'),
    [`${HELPER}/pyproject.toml`]: '[project]\nname = "helper"\nversion = "1"\ndynamic = ["dependencies"]\n',
  },
  'whose distribution is unknown': python('import some_module_of_nobody'),
  'known at run time': python(
    'import importlib\n\n\ndef f(name: str) -> None:\n    importlib.import_module(name)',
  ),
  'does not parse': python('import (a'),
  'loader as a value': python('from importlib import import_module\nlist(map(import_module, ["other"]))'),
  find_spec: python('from importlib.util import find_spec\nfind_spec("other")'),
  'data of a package': python('from importlib import resources\nresources.files("other")'),
  'program without a suffix': { [`${HELPER}/bin/run`]: '#!/usr/bin/python3\nimport other\n' },
  'compiled code': { [`${HELPER}/src/helper/b.pyc`]: Uint8Array.from([0, 1, 2]) },
  'line of a .pth file': { [`${HELPER}/src/a.pth`]: 'import other\n' },
  'made by a program': python('exec("import other")'),
  'made by a program, in parts': [python('exec("imp" + "ort other")'), LOADER],
  doctest: python('def f() -> None:\n    """\n    >>> from other import api\n    """'),
  'patch of a mock': { [`${HELPER}/tests/test_a.py`]: 'mock.patch("other.api.x")\n' },
  'patch of a mock by a decorator': {
    [`${HELPER}/tests/test_a.py`]: '@patch("other.api")\ndef test_a(): ...\n',
  },
  'patch of a fixture': { [`${HELPER}/tests/test_a.py`]: 'monkeypatch.setattr("other.api.x", 1)\n' },
  'text of a module': python('load("other.api")'),
  'text of an annotation': python('def f(a: "other.api.X") -> None: ...'),
  'module of a program': python('run([sys.executable, "-m", "other"])'),
  'path of modules': python('import sys\nsys.path.insert(0, "../../../other/src")'),
  'path of modules, in parts': python(
    'sys.path.append(os.path.join(here, "..", "..", "..", "other", "src"))',
  ),
  'code of a file': python('exec(open("../other/src/other/api.py").read())'),
  'entry points of setup.py': {
    [`${HELPER}/setup.py`]: 'setup(entry_points={"console_scripts": ["helper = other.api:main"]})\n',
  },
  'entry points of pyproject.toml': settings('[project.entry-points.helper]\na = "other.api:main"'),
  'script of pyproject.toml': settings('[project.scripts]\nhelper = "other.api:main"'),
  'script with a window': settings('[project.gui-scripts]\nhelper = "other:main"'),
  'script of Poetry': settings('[tool.poetry.scripts]\nhelper = "other:main"'),
  'plugin of Poetry': settings('[tool.poetry.plugins.helper]\na = "other.api"'),
  'plugin of pytest': settings('[tool.pytest.ini_options]\naddopts = "-q -p other.api"'),
  'plugin of pytest, in a list': settings('[tool.pytest.ini_options]\naddopts = ["-p", "other"]'),
  'plugin in pytest.ini': { [`${HELPER}/pytest.ini`]: '[pytest]\naddopts = -p other\n' },
  'plugin in tox.ini': { [`${HELPER}/tox.ini`]: '[pytest]\naddopts = -p other\n' },
  'entry points of setup.cfg': {
    [`${HELPER}/setup.cfg`]: '[options.entry_points]\nconsole_scripts =\n    helper = other.api:main\n',
  },
  'folder of setuptools': settings('[tool.setuptools.package-dir]\n"" = "../other/src"'),
  'folder of a file of paths': { [`${HELPER}/src/helper.pth`]: '../../other/src\n' },
};

const of = (group: string, all: Seeds) =>
  Object.entries(all).map(([name, one]): Seed => {
    const [files, limit] = Array.isArray(one) ? (one as readonly [Files, string]) : [one as Files, undefined];
    return {
      group: `imports: ${group}`,
      name,
      families: ['IMP'],
      base: importBase,
      files,
      ...(limit === undefined ? {} : { limit }),
    };
  });

/** Imports that lead where they must not, in every form that a language or its tools have. */
export const importSeeds: readonly Seed[] = [
  ...of('Go', GO),
  ...of('TypeScript', TYPESCRIPT),
  ...of('Python', PYTHON),
];
