import { globSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseDeclarations } from '../../src/operator/declare/parse-declarations.ts'
import { blocksOf, isAsPrinted } from '../helpers/page-blocks.ts'
import { runPage } from '../helpers/page-runner.ts'

/** Pages that run from their first block to their last on one machine, and print what they say. */
const whole = [
  'docs/guide-adopt.md',
  'docs/guide-restore.md',
  'docs/guide-backups.md',
  'docs/guide-secrets.md',
  'docs/guide-alerts.md',
]

/** Blocks that do not run here, by page and by how they begin, and why. Each has to be there still. */
const elsewhere: readonly [page: string, begin: string, reason: string][] = [
  ['README.md', 'npm ci', 'clones and installs: .ci/run does both'],
  [
    'README.md',
    'sed -i',
    'changes the demo of npm start: test/integration/up.test.ts makes the same changes',
  ],
  ['docs/install.md', 'npm ci', 'builds: test/package/binary.test.ts'],
  ['docs/install.md', 'npm pack', 'installs for all users: test/package/package.test.ts'],
  ['docs/install.md', 'git clone', 'clones: test/package/package.test.ts runs npx mooring'],
  ['docs/install.md', 'source <', 'test/integration/cli/settings.test.ts completes by it'],
  ['docs/guide-clusters.md', 'mkdir', 'needs two Nomad clusters'],
  ['docs/guide-clusters.md', 'mooring run', 'needs two Nomad clusters'],
  [
    'docs/guide-terraform.md',
    'mooring import',
    'needs a Nomad that Terraform filled; guide-adopt.md runs it',
  ],
  ['docs/guide-terraform.md', 'terraform', 'needs Terraform'],
  ['docs/guide-terraform.md', 'mooring run', 'needs a Nomad that Terraform filled'],
  ['docs/upgrade.md', 'mooring version', 'needs two releases'],
  [
    'docs/quickstart-nomad.md',
    '',
    'needs a real Nomad: test/nomad/quickstart.test.ts follows it word for word',
  ],
  [
    'docs/quickstart-kubernetes.md',
    '',
    'needs Kubernetes: test/integration/operator/kubernetes/quickstart.test.ts follows it word for word',
  ],
  ['docs/kubernetes.md', '', 'needs Kubernetes and Nomad: test/integration/operator/kubernetes'],
  ['charts/mooring/README.md', '', 'needs Kubernetes and a registry: test/package/chart.test.ts renders it'],
  ['docs/real-nomad.md', '', 'needs a real Nomad: test/nomad'],
  ['docs/dashboard.md', '', 'needs a browser: the tests of the dashboard'],
  ['docs/server.md', 'mooring server token', 'test/integration/server/token.test.ts'],
  ['docs/server.md', 'mooring server backup', 'test/integration/server has the backups'],
  ['docs/server.md', 'useradd', 'changes the machine'],
  ['docs/sources.md', 'mooring run', 'needs a Git host: test/integration/up-sources.test.ts'],
  ['docs/volumes.md', 'mooring run', 'needs a plugin: test/integration/csi'],
  ['docs/volumes-api.md', '', 'needs a plugin with volumes: test/conformance'],
]

describe('the shell blocks of a page', () => {
  it.each(whole)('of %s do what the page says', (page) => runPage(page), 180_000)

  it('run here, or have their reason in the table above', () => {
    const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('{docs,charts/*}/*.md')]
    const blocks = pages
      .filter((page) => !whole.includes(page))
      .flatMap((page) => blocksOf(page).map(({ script }) => ({ page, script })))
    const isOf = ([page, begin]: (typeof elsewhere)[number], block: (typeof blocks)[number]) =>
      block.page === page && block.script.startsWith(begin)
    expect(blocks.filter((block) => !elsewhere.some((row) => isOf(row, block)))).toEqual([])
    expect(elsewhere.filter((row) => !blocks.some((block) => isOf(row, block)))).toEqual([])
  })
})

/** As a file has it: with a value for the shell's variable, and without the namespace of an object of Kubernetes. */
const asFile = (text: string) => text.replaceAll('$id', 'id').replaceAll(', namespace: default}', '}')

describe('the declarations of a page', () => {
  const shown = ['README.md', ...globSync('{docs,charts/*}/*.md')].flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(/^(?:```yaml|.*<<'?YAML'?)\n([\s\S]*?)^(?:```|YAML)$/gm)]
      .map(([, text = '']) => ({ page, text: asFile(text) }))
      .filter(({ text }) => /^apiVersion: mooring\.dev\//m.test(text)),
  )

  it('are valid, wherever they stand', () => {
    expect(shown.length).toBeGreaterThan(10)
    const problems = shown.flatMap(({ page, text }) =>
      parseDeclarations(text, { source: page, file: '' }).problems.map(
        ({ field, message }) => `${page}: ${field}: ${message}\n${text}`,
      ),
    )
    // The guide to alerts breaks one on purpose: it is found, and no other is.
    const isMeant = (problem: string) => problem.includes('name: broken')
    expect(problems.some(isMeant)).toBe(true)
    expect(problems.filter((problem) => !isMeant(problem))).toEqual([])
  })
})

describe('what a page prints', () => {
  it.each([
    ['the same', 'a  b\nc\n', 'a b\nc', true],
    ['… for a part of a line', 'a 17 b', 'a … b', true],
    ['a line of … for any lines', 'x\ny\nb', '…\nb', true],
    ['a line of … for no line', 'b', '…\nb', true],
    ['a line more', 'a\nb', 'a', false],
    ['a line less', 'a', 'a\nb', false],
    ['another line', 'a', 'b', false],
    ['signs of regular expressions', 'a.b (c)', 'a.b (c)', true],
    ['and not their sense', 'axb', 'a.b', false],
  ])('is compared: %s', (_title, output, prints, expected) => {
    expect(isAsPrinted(output, prints)).toBe(expected)
  })
})
