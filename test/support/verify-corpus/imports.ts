import type { Corpus, CorpusCase } from './case.ts';
import type { Files } from './tree.ts';

const ORDERS = 'primitives/domain/orders';
const SHOP = 'primitives/uisurface/shop';
const HELPER = 'primitives/agent/helper';

const base: Files = {
  'primitive.config.yaml': `registry: ghcr.io/acme
imports:
  sdk: { go: [example.com/acme/sdk], ts: ["@acme/sdk"], python: [acme_sdk] }
  forbidden: [github.com/pkg/errors, lodash, requests, child_process, "node:dgram"]
`,
  'go.work': 'go 1.26\n\nuse (\n\t./primitives/domain/orders\n\t./libs/go\n)\n',
  [`${ORDERS}/go.mod`]: `module example.com/acme/primitives/domain/orders // ours

replace (
	example.com/vanity/log => ../../../libs/go/log
)
require (
	cloud.google.com/go/profiler v0.5.0
	example.com/acme/library v1.0.0
	example.com/acme/primitives/domain/billings v1.0.0
	github.com/jackc/pgx/v5 v5.12.0
	github.com/nats-io/nats.go v1.40.0
	github.com/pkg v1.0.0
	google.golang.org/protobuf v1.36.0 // indirect
)
require github.com/pkg/errors2 v0.9.0
replace example.com/away => ../../../../away
replace example.com/fork => github.com/acme/fork v1.2.3
`,
  [`${ORDERS}/internal/item/item.go`]: 'package item\n',
  [`${ORDERS}/proto/orders.proto`]: '',
  [`${ORDERS}/internal/gen/orders.pb.go`]: 'package gen\n',
  'primitives/domain/billing/go.mod': 'module example.com/acme/primitives/domain/billing\n',
  'primitives/domain/billing/api/api.go': 'package api\n',
  'primitives/domain/billing/web/invoice.ts': '',
  'primitives/domain/billing/tools/rates.py': '',
  'libs/go/go.mod': 'module example.com/acme/libs\n',
  'libs/go/log/log.go': 'package log\n',
  'packages/sdk-go/go.mod': 'module example.com/acme/sdk\n',
  'packages/sdk-go/orders/orders.pb.go': 'package orders\n',
  'packages/proto/go.mod': 'module example.com/acme/proto\n',
  'packages/proto/buf.yaml': 'version: v2\n',
  'packages/proto/gen/orders/orders.pb.go': 'package orders\n',

  [`${SHOP}/package.json`]: `{
  "name": "@acme/shop",
  "imports": { "#lib/*": "./src/lib/*.ts", "#admin": { "types": "../admin/src/index.ts", "default": "@acme/admin" } },
  "dependencies": {
    "@acme/admin2": "1.0.0",
    "@acme/log4": "1.0.0",
    "@acme/orders": "workspace:*",
    "@acme/pinned": "3.38.4",
    "@aws-sdk/client-s3": "3.900.0",
    "@bufbuild/protobuf": "2.9.0",
    "@types/lodash": "4.17.0",
    "@types/estree": "1.0.0",
    "lodash-es": "4.17.21",
    "child_process2": "1.0.0",
    "overruled": "1.0.0",
    "pg": "8.16.0",
    "pg-format": "1.0.4",
    "react": "19.2.0"
  }
}`,
  [`${SHOP}/tsconfig.json`]: `{
  // Aliases, as people write them.
  "extends": "../../../tsconfig.base.json",
  "compilerOptions": {
    "paths": { "@/*": ["./src/*"], "~admin/*": ["../admin/src/*"], "~libs/*": ["../../../libs/ts/*"], },
  },
}`,
  'tsconfig.base.json':
    '{ "compilerOptions": { "paths": { "overruled/*": ["./primitives/uisurface/admin/*"] } } }',
  [`${SHOP}/src/any/tsconfig.json`]: '{ "compilerOptions": { "paths": { "*": ["../../../types/*"] } } }',
  [`${SHOP}/src/lib/price.ts`]: '',
  [`${SHOP}/src/gen/orders_pb.ts`]: '',
  [`${SHOP}/src/shared`]: { link: '../../admin/src' },
  [`${SHOP}/src/mine`]: { link: 'lib' },
  [`${SHOP}/src/loop`]: { link: 'loop' },
  'primitives/uisurface/admin/package.json': '{ "name": "@acme/admin" }',
  'primitives/uisurface/admin/src/index.ts': '',
  'packages/sdk-ts/package.json': '{ "name": "@acme/sdk" }',
  'packages/sdk-ts/src/orders_pb.ts': '',
  'packages/proto/package.json': '{ "name": "@acme/proto" }',
  'packages/proto/gen/orders_pb.ts': '',
  'packages/proto/orders.proto': '',
  'libs/ts/log.ts': '',
  'libs/ts/package.json': '{ "name": "@acme/log" }',

  [`${HELPER}/pyproject.toml`]: `[project]
name = "acme-agent-helper"
dependencies = ["psycopg>=3", "redis[hiredis]", "google-cloud-storage", "protobuf", "opentelemetry-api"]
`,
  [`${HELPER}/src/acme_agent_helper/__init__.py`]: '',
  [`${HELPER}/src/acme_agent_helper/models.py`]: '',
  [`${HELPER}/src/acme_agent_helper/gen/orders_pb2.py`]: '',
  [`${HELPER}/tests/support.py`]: '',
  [`${HELPER}/redis/redis.conf`]: '',
  'primitives/agent/other/pyproject.toml': '',
  'primitives/agent/other/src/acme_agent_other/__init__.py': '',
  'primitives/agent/other/src/acme_agent_other/models.py': '',
  'primitives/agent/other/tests/__init__.py': '',
  'packages/sdk-python/pyproject.toml': '',
  'packages/sdk-python/src/acme_sdk/__init__.py': '',
  'packages/sdk-python/src/acme_sdk/orders_pb2.py': '',
  'packages/proto/pyproject.toml': '',
  'packages/proto/src/acme_proto/__init__.py': '',
  'packages/proto/src/acme_proto/orders.py': '',
  'packages/proto/src/acme_proto/orders_pb2.py': '',
  'libs/python/pyproject.toml': '',
  'libs/python/acme_log/__init__.py': '',
  // A part of a package that others have a part of, too.
  [`${HELPER}/src/acme_shared/mine.py`]: '',
  'primitives/agent/other/src/acme_shared/theirs.py': '',
  'primitives/agent/lab/pyproject.toml': '',
  'primitives/agent/lab/python/acme_lab/models.py': '',
  'primitives/agent/lab/acme_single.py': '',
  // An SDK of which a part leads on to a primitive.
  'packages/sdk-go/billing/billing.go': 'package billing\n\nimport "example.com/acme/sdk/internal/deep"\n',
  'packages/sdk-go/internal/deep/deep.go':
    'package deep\n\nimport _ "example.com/acme/primitives/domain/billing/api"\n',
  'packages/sdk-ts/src/billing.ts': "export * from './deep.ts';\n",
  'packages/sdk-ts/src/deep.ts': "export * from '../../../primitives/uisurface/admin/src/index.ts';\n",
  'packages/sdk-python/src/acme_sdk/billing.py': 'from .deep import rates\n',
  'packages/sdk-python/src/acme_sdk/deep.py': 'from acme_agent_other import models as rates\n',
};

const FILES: Readonly<Record<string, string>> = {
  go: `${ORDERS}/internal/service/service.go`,
  ts: `${SHOP}/src/pages/home.ts`,
  python: `${HELPER}/src/acme_agent_helper/graph.py`,
};

type Language = 'go' | 'ts' | 'python';
type Source = string | readonly [text: string, path: string | undefined, more?: Files];

/** What is no UTF-8: a comment in Latin-1, before an import. */
function latin1(
  finds: boolean,
  ...sources: readonly (readonly [language: Language, comment: string, text: string])[]
) {
  return sources.map(([language, comment, text]): CorpusCase => {
    const path = FILES[language] ?? '';
    const content = Buffer.from(`${comment} caf\u00e9\n${text}\n`, 'latin1');
    const line = content.toString().trimEnd().split('\n').length;
    const name = `after a byte that is no UTF-8: ${text}`;
    return {
      rule: 'IMP-001',
      language,
      name,
      files: { [path]: content },
      finds: finds ? `${path}:${line}` : undefined,
    };
  });
}

/** Cases of one rule in one language: texts with the finding on their last line, and texts without any. */
function cases(
  rule: CorpusCase['rule'],
  language: Language,
  found: readonly Source[],
  missed: readonly Source[],
): readonly CorpusCase[] {
  const one = (source: Source, finds: boolean): CorpusCase => {
    const [text, path = FILES[language] ?? '', more = {}] = typeof source === 'string' ? [source] : source;
    const content =
      language === 'go' && !text.includes('package ') ? `package service\n\n${text}\n` : `${text}\n`;
    const line = content.trimEnd().split('\n').length;
    return {
      rule,
      language,
      name: text,
      files: { ...more, [path]: content },
      finds: finds ? `${path}:${line}` : undefined,
    };
  };
  return [...found.map((source) => one(source, true)), ...missed.map((source) => one(source, false))];
}

const GO_MOD = `${base[`${ORDERS}/go.mod`]}`;
const PACKAGE_JSON = `${base[`${SHOP}/package.json`]}`;
const VANITY: Files = {
  [`${ORDERS}/go.mod`]: `${GO_MOD}replace example.com/vanity/billing v1.0.0 => ../billing\n`,
};
const LINKED: Files = {
  [`${SHOP}/package.json`]: PACKAGE_JSON.replace('"react"', '"linked-admin": "file:../admin",\n    "react"'),
};

const packageJson = (entry: string): Files => ({
  [`${SHOP}/package.json`]: PACKAGE_JSON.replace('"react"', `${entry},\n    "react"`),
});
/** What Vite scaffolds: aliases are in the project of the app. */
const REFERENCES: Files = {
  [`${SHOP}/tsconfig.json`]: '{ "files": [], "references": [{ "path": "./tsconfig.app.json" }] }',
  [`${SHOP}/tsconfig.app.json`]: '{ "compilerOptions": { "paths": { "~app/*": ["../admin/src/*"] } } }',
};
const ROOT_DIRS: Files = {
  [`${SHOP}/tsconfig.json`]: '{ "compilerOptions": { "rootDirs": ["src/pages", "../admin/src"] } }',
  'primitives/uisurface/admin/src/extra.ts': '',
};
const VITE: Files = {
  [`${SHOP}/vite.config.ts`]: `import { fileURLToPath } from 'node:url';
export default {
  resolve: {
    alias: { theirs: path.resolve(__dirname, '../admin/src'), mine: fileURLToPath(new URL('./src/lib', import.meta.url)) },
  },
};
`,
};
const VITE_OWN: Files = {
  [`${SHOP}/vite.config.ts`]: `${VITE[`${SHOP}/vite.config.ts`]}`.replace('../admin/src', './src/theirs'),
};
const ROOT_TOOLS: Files = {
  'package.json':
    '{ "name": "acme", "workspaces": ["*"], "devDependencies": { "vite": "7.0.0", "vitest": "4.0.0" } }',
};
const LINKED_PYTHON: Files = {
  [`${HELPER}/pyproject.toml`]: `[project]
name = "acme-agent-helper"
dependencies = ["acme-linked"]
[tool.uv.sources]
acme-linked = { path = "../other/libs/linked" }
`,
  'primitives/agent/other/libs/linked/acme_linked.py': '',
};

const TEST = {
  go: `${ORDERS}/internal/service/service_test.go`,
  ts: `${SHOP}/test/home.test.ts`,
  python: `${HELPER}/tests/test_graph.py`,
};

/** A file of 50 MB is not parsed, and said to be so. */
const large = Object.values(FILES).map(
  (path): CorpusCase => ({
    rule: 'IMP-007',
    language: path.endsWith('.go') ? 'go' : path.endsWith('.py') ? 'python' : 'ts',
    name: '50 MB',
    files: { [path]: Buffer.alloc(50 * 1024 * 1024, 'a\n') },
    finds: path,
  }),
);

/** Dependencies that a hook of Hatch adds while the project is built. */
const hooked =
  '[project]\nname = "helper"\ndynamic = ["dependencies"]\n\n[tool.hatch.metadata.hooks.x]\ndependencies = ["anyio>=4"]\n';

export const imports: Corpus = {
  base,
  cases: [
    ...latin1(
      true,
      ['go', '//', 'package service\nimport "example.com/acme/primitives/domain/billing/api"'],
      ['ts', '//', "import '../../../admin/src/index.ts';"],
      ['python', '#', 'import acme_agent_other.models'],
    ),
    ...latin1(false, ['go', '//', 'package service'], ['ts', '//', ''], ['python', '#', 'import os']),
    ...large,
    ...cases(
      'IMP-001',
      'go',
      [
        'import "example.com/acme/primitives/domain/billing/api"',
        'import _ "example.com/acme/primitives/domain/billing/api"',
        'import . "example.com/acme/primitives/domain/billing"',
        ['import api "example.com/vanity/billing/api"', FILES.go, VANITY],
        '//go:build integration\n\npackage service\n\nimport `example.com/acme/primitives/domain/billing/api`',
        ['import "example.com/acme/primitives/domain/billing/api"', TEST.go],
      ],
      [
        'import "example.com/acme/primitives/domain/orders/internal/item"',
        'import "example.com/acme/primitives/domain/billings/api"',
        'import "example.com/acme/sdk/orders"',
        ['import "example.com/acme/primitives/domain/billing/api"', `${ORDERS}/vendor/a/a.go`],
        'import "fmt"\n\n// import "example.com/acme/primitives/domain/billing/api"',
        'const text = `\nimport "example.com/acme/primitives/domain/billing/api"\n`',
      ],
    ),
    ...cases(
      'IMP-001',
      'ts',
      [
        "import { a } from '../../../admin/src/index.ts';",
        "import type { A } from '../../../admin/src/index.ts';",
        "export * from '../../../../domain/billing/web/invoice';",
        "const a = require('@acme/admin');",
        ["const a = require('@acme/admin');", `${SHOP}/src/vendor/a.ts`],
        ["import a from '@acme/admin';", `${SHOP}/src/any/a.ts`],
        "import a from '~admin/built.js';",
        "const a = await import('~admin/index.ts');",
        "import a from '#admin';",
        ["import a from 'linked-admin/src/index.js';", FILES.ts, LINKED],
        "import a from '../shared/index.js';",
        "let a: import('@acme/admin/client').A;",
        '/// <reference path="../../../admin/src/index.ts" />',
      ],
      [
        "import { price } from '../lib/price.ts';",
        "import { price } from '@/lib/price';",
        ["import react from 'react';", `${SHOP}/src/any/a.ts`],
        "import a from '@/built.js';",
        "import price from '#lib/price';",
        "import price from '../mine/price.js';",
        "import a from '@acme/admin2';",
        "import a from '@acme/shop/src/lib/price.ts';",
        "import a from 'overruled/src/index.ts';",
        "// import '../../../admin/src/index.ts'\nconst text = `import '../nowhere/src/index.ts'`;",
      ],
    ),
    ...cases(
      'IMP-001',
      'python',
      [
        'import acme_agent_other',
        ['import acme_agent_other', `${HELPER}/src/acme_agent_helper/vendor/a.py`],
        ['import acme_agent_other', `${HELPER}/src/acme_agent_helper/gen/acme_agent_other.py`],
        'from acme_agent_other.models import Model',
        'from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from acme_agent_other import models',
        'def late():\n    import acme_agent_other.models as m',
        'from ....other.src.acme_agent_other import models',
        'from primitives.domain.billing.tools import rates',
        'import importlib\nimportlib.import_module("acme_agent_other")',
        '__import__("acme_agent_other.models")',
      ],
      [
        'from . import models',
        'from .models import Model',
        'import acme_agent_helper.models',
        'import acme_agent_others',
        'import acme_sdk.orders_pb2',
        ['import tests\nfrom support import fixture', TEST.python],
        'text = "import acme_agent_other"  # import acme_agent_other',
      ],
    ),
    ...cases(
      'IMP-001',
      'go',
      [
        [
          'import "example.com/acme/sdk/x"',
          FILES.go,
          { [`${ORDERS}/go.mod`]: `${GO_MOD}replace example.com/acme/sdk => ../billing\n` },
        ],
        [
          'import _ "unsafe"\n\n//go:linkname rate example.com/acme/primitives/domain/billing/api.rate',
          FILES.go,
        ],
        '/* #cgo CFLAGS: -I../../../billing/native */ import "C"',
        'func f() { plugin.Open("../../../billing/plugin.so") }',
        'var tool = filepath.Join("..", "..", "..", "billing", "api")',
        '//go:generate go run ../../../billing/api',
        'import "example.com/acme/sdk/billing"',
        '// notes\u2028func\nimport _ "example.com/acme/primitives/domain/billing/api"',
      ],
      [
        'import "example.com/acme/sdk/orders"',
        'import _ "unsafe"\n\n//go:linkname now runtime.nanotime',
        'var a = "../item/../../../nowhere"',
        '// It is like ../../../billing/api.\nvar a = 1',
        '// #include "item.h"\n// #include <stdio.h>\nimport "C"',
      ],
    ),
    ...cases(
      'IMP-001',
      'ts',
      [
        ["import a from '@acme/sdk';", FILES.ts, packageJson('"@acme/sdk": "file:../admin"')],
        [
          "import a from '@acme/sdk/a';",
          FILES.ts,
          {
            [`${SHOP}/tsconfig.json`]:
              '{ "compilerOptions": { "paths": { "@acme/sdk/*": ["../admin/src/*"] } } }',
          },
        ],
        ["import a from '~app/index.ts';", FILES.ts, REFERENCES],
        ["import a from './extra.ts';", FILES.ts, ROOT_DIRS],
        ["import a from 'theirs/index.ts';", FILES.ts, VITE],
        "fork('../../../admin/src/index.ts');",
        "const a = path.join(import.meta.dirname, '..', '..', '..', 'admin', 'src');",
        `const a = \`\${import.meta.dirname}/../../../admin/src/index.ts\`;`,
        "const a = 'primitives/uisurface/admin/src/index.ts';",
        "vi.mock('@acme/admin');",
        ["import a from 'renamed';", FILES.ts, packageJson('"renamed": "workspace:@acme/admin@*"')],
        ["import a from '@acme/admin';", FILES.ts, packageJson('"@acme/admin": "workspace:*"')],
        "import a from '@acme/sdk/src/billing.ts';",
        "import { createRequire as make } from 'node:module';\nconst load = make(import.meta.url);\nload('../../../admin/src/index.ts');",
        "require?.('../../../admin/src/index.ts');",
        "(0, require)('../../../admin/src/index.ts');",
        "const r = require;\nr('../../../admin/src/index.ts');",
        "const a = new URL('../../../admin/src/index.ts', import.meta.url);",
        "const a = import.meta.glob('../../../admin/src/*.ts');",
        "const a = import.meta.resolve('../../../admin/src/index.ts');",
        ["/** @type {import('../../../admin/src/index.ts').A} */", `${SHOP}/src/pages/home.js`],
      ],
      [
        [
          "import a from '@acme/pinned';",
          FILES.ts,
          { 'package.json': '{ "name": "@acme/pinned", "version": "4.0.0" }' },
        ],
        [
          "import a from '@acme/pinned';",
          FILES.ts,
          { 'primitives/uisurface/admin/package.json': '{ "name": "@acme/pinned", "version": "1.0.0" }' },
        ],
        ["import a from 'mine/price.ts';", FILES.ts, VITE_OWN],
        "const a = '../../../nowhere/src';",
        "// fork('../../../admin/src/index.ts')",
        "vi.mock('@acme/unknown');",
        "const a = '@acme/admin';",
        "const a = new URL('../lib/price.ts', import.meta.url);",
        "const a = import.meta.glob(['../lib/*.ts', '!../../../admin/**']);",
        "import a from '@acme/sdk/src/orders_pb.ts';",
        ["/* import('../../../admin/src/index.ts') in a comment of TypeScript */", FILES.ts],
      ],
    ),
    ...cases(
      'IMP-001',
      'python',
      [
        'from acme_shared import theirs',
        'import acme_shared.theirs',
        'import acme_lab.models',
        'import acme_single',
        ['import acme_linked', FILES.python, LINKED_PYTHON],
        'from acme_sdk import billing',
        'from importlib import import_module as load\nload("acme_agent_other")',
        'import importlib\nload = importlib.import_module\nload("acme_agent_other.models")',
        'import importlib\ngetattr(importlib, "import_module")("acme_agent_other")',
        'import runpy\nrunpy.run_module("acme_agent_other")',
        'import runpy\nrunpy.run_path("../../../other/src/acme_agent_other/models.py")',
        'from importlib.util import spec_from_file_location\nspec_from_file_location("x", "../../../other/src/acme_agent_other/models.py")',
        ['pytest_plugins = ["acme_agent_other.models"]', `${HELPER}/tests/conftest.py`],
        ['mock.patch("acme_agent_other.now")', `${HELPER}/tests/test_a.py`],
        'exec("import acme_agent_other")',
        'def f():\n    """\n    >>> import acme_agent_other"""',
        'a = ["-m", "acme_agent_other"]',
        'a = "acme_agent_other.models:main"',
        'import sys\nsys.path.insert(0, "../../../other/src")',
        'import acme_ａgent_other',
        'import importlib\nimportlib.import_module("acme\\x5fagent_other")',
      ],
      [
        'a = "acme_agent_other"',
        'a = "acme_agent_other.nothing"',
        'def f():\n    """Like acme_agent_other.models in ../../../other/src."""',
        'a = "os.path"',
        'from acme_shared import mine',
        'from importlib import import_module as load\nload("acme_agent_helper.models")',
        ['pytest_plugins = ["support"]', `${HELPER}/tests/conftest.py`],
      ],
    ),
    ...cases(
      'IMP-002',
      'go',
      [
        'import "example.com/acme/proto/gen/orders"',
        'import proto "example.com/acme/proto/gen"',
        'import _ "buf.build/gen/go/acme/orders/protocolbuffers/go/orders/v1"',
      ],
      [
        'import "example.com/acme/sdk/orders"',
        'import "example.com/acme/primitives/domain/orders/internal/gen"',
        'import "google.golang.org/protobuf/proto"',
      ],
    ),
    ...cases(
      'IMP-002',
      'ts',
      [
        "import { Order } from '@acme/proto/gen/orders_pb.ts';",
        "import type { Order } from '../../../../../packages/proto/gen/orders_pb';",
        "import { Order } from '@buf/acme_orders.bufbuild_es/orders_pb.js';",
        "import text from '../../../../../packages/proto/orders.proto';",
      ],
      [
        "import { Order } from '@acme/sdk/src/orders_pb.ts';",
        "import { Order } from '../gen/orders_pb.ts';",
        "import { create } from '@bufbuild/protobuf';",
      ],
    ),
    ...cases(
      'IMP-002',
      'python',
      [
        'from acme_proto import orders_pb2',
        'import acme_proto.orders_pb2',
        'from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from acme_proto.orders import Order',
      ],
      [
        'from acme_sdk import orders_pb2',
        'from .gen import orders_pb2',
        'from google.protobuf import timestamp_pb2',
        'from opentelemetry.proto import version',
      ],
    ),
    ...cases(
      'IMP-003',
      'go',
      [
        'import "example.com/acme/libs/log"',
        'import "example.com/vanity/log"',
        'import "example.com/away/x"',
      ],
      ['import "example.com/fork/x"', 'import "example.com/acme/library/log"', 'import "log"'],
    ),
    ...cases(
      'IMP-003',
      'ts',
      [
        "import log from '../../../../../libs/ts/log.ts';",
        "import log from '@acme/log';",
        "import log from '~libs/log';",
        "import a from '../../../../../../elsewhere/a.ts';",
        "import a from '../loop/a.ts';",
        "import a from '/etc/a.js';",
      ],
      ["import log from '@acme/log4';", "import 'node:path';", "import a from '../lib/../lib/price.ts';"],
    ),
    ...cases(
      'IMP-003',
      'python',
      ['import acme_log', 'from acme_log import handler', 'from ........elsewhere import a'],
      ['import logging', 'import acme_logs', 'from ..acme_agent_helper import models'],
    ),
    ...cases(
      'IMP-004',
      'go',
      [
        'import "github.com/pkg/errors"',
        'import (\n\t"fmt"; e "github.com/pkg/errors" )',
        ['import "github.com/pkg/errors/sub"', TEST.go],
      ],
      ['import "errors"', 'import "github.com/pkg/errors2"', 'import "github.com/pkg"'],
    ),
    ...cases(
      'IMP-004',
      'ts',
      [
        "import _ from 'lodash';",
        "const _ = require('lodash/fp');",
        "import { spawn } from 'node:child_process';",
        "import dgram from 'dgram';",
        "import type { Dictionary } from 'lodash';",
      ],
      [
        "import _ from 'lodash-es';",
        "import { on } from 'node:events';",
        "import a from 'child_process2';",
        "import _ from './lodash';",
        "import _ from '@types/lodash';",
      ],
    ),
    ...cases(
      'IMP-004',
      'python',
      ['import requests', 'from requests.adapters import HTTPAdapter', 'import os, requests as r'],
      ['import requests_oauthlib', 'from . import requests', 'from pip._vendor import requests'],
    ),
    ...cases(
      'IMP-005',
      'go',
      [
        'import "database/sql"',
        'import _ "github.com/jackc/pgx/v5/stdlib"',
        'import "github.com/nats-io/nats.go/jetstream"',
        ['import "database/sql"', `${ORDERS}/internal/test/db.go`],
        ['import "database/sql"', `${ORDERS}/test/db.go`],
      ],
      [
        ['import "database/sql"', `${ORDERS}/internal/store/store.go`],
        ['import "database/sql"', TEST.go],
        ['import "database/sql"', `${ORDERS}/internal/testdata/x.go`],
        'import "database/sqlx"',
        'import "cloud.google.com/go/profiler"',
      ],
    ),
    ...cases(
      'IMP-005',
      'ts',
      [
        "import pg from 'pg';",
        "import { S3 } from '@aws-sdk/client-s3';",
        "const { DatabaseSync } = require('node:sqlite');",
        ["import pg from 'pg';", `${SHOP}/src/test/db.ts`],
        ["import pg from 'pg';", `${SHOP}/integration/db.ts`],
      ],
      [
        ["import pg from 'pg';", `${SHOP}/src/sdk/client.ts`],
        ["import pg from 'pg';", `${SHOP}/src/home.spec.ts`],
        ["import pg from 'pg';", `${SHOP}/src/__tests__/home.ts`],
        ["import pg from 'pg';", `${SHOP}/test/support/database.ts`],
        "import type { Pool } from 'pg';",
        "import pg from 'pg-format';",
      ],
    ),
    ...cases(
      'IMP-005',
      'python',
      [
        'import psycopg',
        ['import psycopg', `${HELPER}/src/acme_agent_helper/psycopg.py`],
        'from google.cloud import storage',
        'import importlib\nimportlib.import_module("redis.asyncio")',
        ['import psycopg', `${HELPER}/src/acme_agent_helper/integration/db.py`],
        ['import psycopg', `${HELPER}/src/acme_agent_helper/test/db.py`],
      ],
      [
        ['import psycopg', `${HELPER}/src/acme_agent_helper/checkpoints.py`],
        ['import psycopg', TEST.python],
        ['import psycopg', `${HELPER}/conftest.py`],
        ['import psycopg', `${HELPER}/integration/test_postgres.py`],
        'from google.protobuf import message',
      ],
    ),
    ...cases(
      'IMP-008',
      'go',
      [
        'import "github.com/acme/unlisted"',
        'import _ "example.org/x/y"',
        ['import "github.com/stretchr/testify/assert"', TEST.go],
        ['package free\n\nimport "github.com/acme/unlisted"', 'primitives/domain/free/free.go'],
      ],
      [
        'import "github.com/pkg/errors2/sub"',
        'import "google.golang.org/protobuf/proto"',
        'import "crypto/sha256"',
        'import "generated/internal/x"',
        'import "example.com/acme/primitives/domain/orders/not/there/yet"',
      ],
    ),
    ...cases(
      'IMP-008',
      'ts',
      [
        "import merge from 'deepmerge';",
        "import a from '@scope/unlisted/sub';",
        "import a from 'https://esm.sh/a';",
        "import a from 'npm:left-pad@1';",
        "import a from '~nowhere/a';",
        ["import vite from 'vite';", FILES.ts, ROOT_TOOLS],
      ],
      [
        ["import { test } from 'vitest';", TEST.ts, ROOT_TOOLS],
        ["import { defineConfig } from 'vite';", `${SHOP}/vite.config.ts`, ROOT_TOOLS],
        "import a from 'virtual:pages';",
        "import http from 'k6/http';",
        "import type { Node } from 'estree';",
        "import react from 'react/jsx-runtime';",
        "import 'node:test';",
      ],
    ),
    ...cases(
      'IMP-008',
      'python',
      [
        'import yaml',
        'from PIL import Image',
        'import django.urls',
        ['import anyio', FILES.python, { [`${HELPER}/uv.lock`]: '[[package]]\nname = "anyio"\n' }],
        ['import numpy', FILES.python, { [`${HELPER}/pyproject.toml`]: hooked }],
      ],
      [
        'from google.protobuf import message',
        'from google.cloud import storage_v2'.replace('_v2', '_control'),
        'import opentelemetry.trace',
        'import made_by_nobody',
        ['import anyio', FILES.python, { [`${HELPER}/pyproject.toml`]: hooked }],
        ['import numpy', FILES.python, { [`${HELPER}/pyproject.toml`]: hooked.replace(/\[tool.*/s, '') }],
        'import tomllib',
      ],
    ),
    ...cases(
      'IMP-006',
      'ts',
      [
        'const a = await import(name);',
        `const a = await import(\`./pages/\${name}.ts\`);`,
        "const a = require(dir + '/a.js');",
      ],
      ["const a = await import('./a.ts');", "const a = require('./' + 'a.js');", 'const a = requires(name);'],
    ),
    ...cases(
      'IMP-006',
      'python',
      ['import_module(name)', 'importlib.import_module(f"plugins.{name}")', '__import__(names[0])'],
      ['import_module("plugins.a")', '__import__("a" "b")', 'import_module(".models", __package__)'],
    ),
    ...cases(
      'IMP-007',
      'go',
      ['import "fmt', 'import fmt', 'import (\n\t"fmt"\n\tos\n)'.replace('\n)', ' )')],
      [
        'import "fmt"\n\nfunc f() { return 1 + }',
        'import ("fmt"; "os")',
        '/*\nfunc in a comment\n*/\npackage a\nimport "fmt"',
      ],
    ),
    ...cases(
      'IMP-007',
      'ts',
      ['import { ;', 'const = 1;', 'const a = <T>(x) => {'],
      [
        'using a = f();',
        'enum A { B }\nnamespace C { export const d = 1 }',
        'let a = <any>b;\r\nlet c = d!;',
      ],
    ),
    ...cases(
      'IMP-007',
      'python',
      ['def (:', 'import', 'from a import (b'],
      ['match x:\n    case [a, *_]: pass', 'type A[T] = list[T]', "print(f'{x!r:>{n}}')\r\n"],
    ),
  ],
};
