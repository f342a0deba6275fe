import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { plantTexts } from './hooks.ts'
import { findFault } from './plant.ts'
import { plantedFaults, textsOf } from './planted-faults.ts'
import { readPage } from './planted-page.ts'

describe('the table of planted faults', () => {
  it.each(plantedFaults.map((fault) => [fault.name, fault] as const))(
    'can still plant: %s',
    (_name, fault) => {
      for (const [file, texts] of Map.groupBy(textsOf(fault), (each) => each.file)) {
        const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8')
        expect(plantTexts(source, texts)).not.toBe(source)
      }
    },
  )

  it('says of each fault in planted-faults.md after how many histories it is found, or why it is not', () => {
    const rows = readPage()
    expect([...rows.keys()]).toEqual(plantedFaults.map(({ name }) => name))
    const found = [...rows.values()].filter(({ result }) => /^\d+$/.test(result))
    expect(found.length).toBeGreaterThanOrEqual(25)
    for (const { sign } of rows.values()) expect(sign).not.toBe('')
  })

  // The quickest found: whether the way from a planted text to a violation works at all.
  it.each([
    'a change in Nomad wakes nobody',
    'a change in the folder wakes nobody',
    'a volume is written without a difference',
    'the finalizer is written after the create',
  ])('finds within a few histories: %s', { timeout: 600_000 }, async (name) => {
    const fault = plantedFaults.find((each) => each.name === name)
    expect(fault).toBeDefined()
    if (fault !== undefined) expect((await findFault(fault, 30)).after).toBeDefined()
  })
})
