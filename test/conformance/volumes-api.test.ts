import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { startOwn, startTarget } from './target.ts'
import { rows, tryRows } from './try-rows.ts'

/**
 * At `MOORING_CONFORMANCE_ADDR` (reached as every Nomad tool is told to: `NOMAD_TOKEN`, `NOMAD_CACERT`…; plugin in
 * `MOORING_CONFORMANCE_PLUGIN`, else the first healthy one), or at a server of our own.
 */
tryRows(() => startTarget(process.env), 10_000)

describe.skipIf(process.env.MOORING_CONFORMANCE_ADDR !== undefined)('with --registration=nomad', () => {
  tryRows(() => startOwn('nomad'), 10_000)
})

describe('a difference from Nomad', () => {
  it('is a decision that the documentation has', () => {
    const documentation = readFileSync(new URL('../../docs/volumes-api.md', import.meta.url), 'utf8')
    const decisions = new Set(rows.flatMap(({ nomad }) => (nomad === undefined ? [] : [nomad.decision])))
    for (const decision of decisions) expect(documentation).toContain(`\`${decision}\``)
  })
})
