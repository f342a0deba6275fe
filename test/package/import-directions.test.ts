import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkImports, rooms } from '../../scripts/lib/import-directions.ts'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

/** Checks texts, by their paths; whatever they import that is not among them is made as an empty file. */
function check(texts: Readonly<Record<string, string>>): readonly string[] {
  const root = temporaryDirectory()
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const [path, text] of Object.entries(texts)) {
    for (const [, imported = ''] of text.matchAll(/'(\.[^']+)'/g)) {
      const target = join(dirname(path), imported)
      if (!(target in texts)) write(target, '')
    }
    write(path, text)
  }
  return checkImports(root).faults
}

const refused: readonly [string, string, string][] = [
  ['the plan reaches for the server', 'src/operator/plan/x.ts', '../../server/server.ts'],
  ['the plan reaches for a client', 'src/operator/plan/x.ts', '../../nomad/client.ts'],
  ['a step reaches for sources', 'src/operator/reconcile/steps/x.ts', '../../sources/source.ts'],
  [
    'a pass reaches for the engine beyond its outcome',
    'src/operator/reconcile/x.ts',
    '../engine/controller.ts',
  ],
  ['the server reaches for the operator', 'src/server/x.ts', '../operator/plan/identity.ts'],
  ['the operator reaches for the driver', 'src/operator/x.ts', '../driver/driver.ts'],
  ['a client reaches for the operator', 'src/nomad/x.ts', '../operator/plan/identity.ts'],
  ['metrics reach for what they measure', 'src/operator/telemetry/x.ts', '../engine/controller.ts'],
  ['what is measured reaches for metrics', 'src/operator/engine/x.ts', '../telemetry/metrics.ts'],
  ['a library reaches outwards', 'src/lib/x.ts', '../wire/volume.ts'],
  ['a room reaches for main', 'src/lib/x.ts', '../main.ts'],
  ['a command reaches for main', 'src/cli/x.ts', '../main.ts'],
  ['a room reaches for a command', 'src/operator/engine/x.ts', '../../cli/run.ts'],
  [
    'the page in the browser reaches for the operator',
    'dashboard/src/x.ts',
    '../../src/operator/operator.ts',
  ],
  ['the operator reaches for the page', 'src/operator/x.ts', '../../dashboard/src/app.ts'],
]

describe('the check of import directions', () => {
  it.each(refused)('refuses that %s', (_title, path, imported) => {
    const forms = [
      `import type { X } from '${imported}'\nexport type Y = X\n`,
      `export { x } from '${imported}'\n`,
      `export const load = () => import('${imported}')\n`,
    ]
    const texts = Object.fromEntries(forms.map((text, index) => [path.replace('x.ts', `x${index}.ts`), text]))
    expect(check(texts)).toHaveLength(forms.length)
  })

  it('refuses a circle, of types too, and names its files', () => {
    const faults = check({
      'src/lib/a.ts': "import type { B } from './b.ts'\nexport type A = B\n",
      'src/lib/b.ts': "import type { C } from './c.ts'\nexport type B = C\n",
      'src/lib/c.ts': "import type { A } from './a.ts'\nexport type C = A\n",
      'src/lib/d.ts': "export { A } from './a.ts'\n",
    })
    expect(faults).toHaveLength(1)
    for (const file of ['src/lib/a.ts', 'src/lib/b.ts', 'src/lib/c.ts']) expect(faults[0]).toContain(file)
    expect(faults[0]).not.toContain('src/lib/d.ts')
  })

  it('refuses that the page in the browser takes more than types from what it shares with the operator', () => {
    const shared = '../../src/wire/dashboard/overview.ts'
    expect(
      check({ 'dashboard/src/x.ts': `import type { X } from '${shared}'\nexport type Y = X\n` }),
    ).toEqual([])
    expect(check({ 'dashboard/src/x.ts': `import { x } from '${shared}'\nexport const y = x\n` })).toEqual([
      expect.stringContaining('types only'),
    ])
  })

  it('refuses a file in no room', () => {
    expect(check({ 'src/elsewhere/x.ts': '' })).toEqual([expect.stringContaining('is in no room')])
  })

  it('allows what the design allows', () => {
    expect(
      check({
        'src/operator/reconcile/pass.ts': "export { x } from '../plan/identity.ts'\n",
        'src/operator/reconcile/steps/step.ts': "export { x } from '../volume.ts'\n",
        'src/operator/reconcile/other.ts': "export type { Outcome } from '../engine/outcome.ts'\n",
        'src/driver/driver.ts': "export { x } from '../csi/contract.ts'\n",
      }),
    ).toEqual([])
  })

  it('finds nothing in this repository, of which it reads every file', () => {
    const { files, faults } = checkImports(process.cwd())
    expect(faults).toEqual([])
    expect(files).toBeGreaterThan(300)
  })

  it('knows no room that is not there', () => {
    const there = new Set(
      readdirSync('src', { recursive: true }).map((path) => String(path).replaceAll('\\', '/')),
    )
    expect(Object.keys(rooms).filter((room) => !there.has(room))).toEqual([])
  })
})
