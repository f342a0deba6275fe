import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { aclRows } from './acl-rows.ts'
import { startOwn, startTarget } from './target.ts'
import { rows, tryRows } from './try-rows.ts'

/**
 * At `MOORING_CONFORMANCE_ADDR` (reached as every Nomad tool is told to: `NOMAD_TOKEN`, `NOMAD_CACERT`…; plugin in
 * `MOORING_CONFORMANCE_PLUGIN`, else the first healthy one), or at a server of our own.
 */
tryRows(() => startTarget(process.env), 60_000)

describe.skipIf(process.env.MOORING_CONFORMANCE_ADDR !== undefined)('with --registration=nomad', () => {
  tryRows(() => startOwn('nomad'), 60_000)
})

describe('a difference from Nomad', () => {
  it('is a decision that the documentation has', () => {
    const documentation = readFileSync(new URL('../../docs/volumes-api.md', import.meta.url), 'utf8')
    const differences = [...rows, ...aclRows].map(({ nomad }) => nomad)
    const decisions = new Set(
      differences.flatMap((nomad) => (typeof nomad === 'object' ? [nomad.decision] : [])),
    )
    for (const decision of decisions) expect(documentation).toContain(`\`${decision}\``)
  })
})
