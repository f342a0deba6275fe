import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../helpers/temporary-directory.ts'

const biome = resolve('node_modules/.bin/biome')

/** Lints texts, by their paths, under the rules of this repository; what biome said, and its exit status. */
function lint(texts: Readonly<Record<string, string>>): { status: number | null; said: string } {
  const root = temporaryDirectory()
  cpSync('biome.json', join(root, 'biome.json'))
  for (const [path, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const flags = ['--vcs-enabled=false', '--max-diagnostics=none', '--colors=off']
  const { status, stdout, stderr } = spawnSync(biome, ['lint', ...flags, 'src'], {
    cwd: root,
    encoding: 'utf8',
  })
  return { status, said: stdout + stderr }
}

const refused: readonly [string, string, string][] = [
  ['the plan reaches for the server', 'src/plan/x.ts', '../server/server.ts'],
  ['a nested step reaches for a client', 'src/reconcile/steps/x.ts', '../../nomad/client.ts'],
  ['a pass reaches for the engine beyond its outcome', 'src/reconcile/x.ts', '../engine/controller.ts'],
  ['the server reaches for the operator', 'src/server/x.ts', '../plan/identity.ts'],
  ['the operator reaches for the driver', 'src/nomad/x.ts', '../driver/driver.ts'],
  ['the Kubernetes room reaches for a source', 'src/kube/x.ts', '../sources/source.ts'],
  ['metrics reach for what they measure', 'src/operations/x.ts', '../engine/controller.ts'],
  ['what is measured reaches for metrics', 'src/engine/x.ts', '../operations/metrics.ts'],
  ['a library reaches outwards', 'src/lib/x.ts', '../declare/volume.ts'],
  ['a room reaches for main', 'src/lib/x.ts', '../main.ts'],
  ['a command reaches for main', 'src/commands/x.ts', '../main.ts'],
  ['a room reaches for a command', 'src/engine/x.ts', '../commands/run.ts'],
]

describe('the check of import directions', () => {
  it.each(refused)('refuses that %s', (_title, path, imported) => {
    const forms = [
      `import type { X } from '${imported}'\nexport type Y = X\n`,
      `export { x } from '${imported}'\n`,
      `export const load = () => import('${imported}')\n`,
    ]
    const texts = Object.fromEntries(forms.map((text, index) => [path.replace('x.ts', `x${index}.ts`), text]))
    const { status, said } = lint(texts)
    expect(status).toBe(1)
    expect(said.match(/lint\/style\/noRestrictedImports/g)).toHaveLength(forms.length)
  })

  it('allows what the design allows', () => {
    const { status, said } = lint({
      'src/reconcile/pass.ts': "export { x } from '../plan/identity.ts'\n",
      'src/reconcile/steps/step.ts': "export { x } from '../volume.ts'\n",
      'src/reconcile/other.ts': "export type { Outcome } from '../engine/outcome.ts'\n",
      'src/driver/driver.ts': "export { x } from '../csi/contract.ts'\n",
    })
    expect(said).not.toContain('noRestrictedImports')
    expect(status).toBe(0)
  })

  it('has a rule for every room', () => {
    const config: { overrides: { includes: string[] }[] } = JSON.parse(readFileSync('biome.json', 'utf8'))
    const ruled = config.overrides.flatMap(({ includes }) => includes)
    const rooms = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory())
    expect(rooms.length).toBeGreaterThan(5)
    expect(rooms.map(({ name }) => `src/${name}/**`).filter((pattern) => !ruled.includes(pattern))).toEqual(
      [],
    )
  })

  it('fails where it has read no file', () => {
    expect(lint({}).status).not.toBe(0)
  })
})
