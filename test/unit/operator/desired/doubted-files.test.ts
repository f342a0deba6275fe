import { describe, expect, it } from 'vitest'
import type { VolumeDeclaration } from '../../../../src/operator/declare/declaration.ts'
import { createDesired } from '../../../../src/operator/desired/desired.ts'
import type { Evidence } from '../../../../src/operator/desired/evidence.ts'
import { createMemoryInventory, emptyContents } from '../../../../src/operator/inventory/memory-inventory.ts'
import { managedPart } from '../../../../src/operator/plan/record.ts'
import { place, volume } from '../../../builders/declarations.ts'
import { doubt, evidence, folder, reading } from '../../../builders/evidence.ts'
import { volumeRecord } from '../../../builders/records.ts'

const first = volume('data', {}, place('a.yaml'))
const twin = volume('data', {}, place('twin.yaml'))
const stays = volume('stays', {}, place('stays.yaml'))

const empty = (file: string): Partial<Evidence> => ({
  files: new Map([...evidence([stays]).files, [file, { documents: 0, others: [], folder }]]),
})

/** Another folder stands at the path of the source, with these files. */
const checkedOut: Partial<Evidence> = {
  files: new Map(
    ['twin.yaml', 'stays.yaml'].map((file) => [file, { documents: 1, others: [], folder: '1 /second' }]),
  ),
  listing: {
    type: 'folders',
    folders: new Map([['', { device: '1', realPath: '/second', isEmpty: false }]]),
    passed: new Set(),
  },
}

/** A reading: what it shows, and what else is there. */
type Step = readonly [readonly VolumeDeclaration[], Partial<Evidence>?]

/** @returns what becomes of the volume. Each reading is one of another process. */
async function absenceAfter(...steps: readonly Step[]) {
  const inventory = createMemoryInventory(emptyContents, (text) => text)
  const prune = { prune: true, pruneDelayMs: 10, maxPrune: 9, allowEmpty: false }
  let nowMs = 0
  let absence: unknown
  for (const [shown, beside = {}] of [[[first]] as Step, ...steps]) {
    const desired = createDesired({ inventory, region: 'global', prune })
    const declarations = [...shown, stays]
    const found = evidence(declarations, { monotonicMs: nowMs, ...beside })
    const files = new Map([...evidence(declarations).files, ...found.files])
    const sources = new Map([['declarations', { ...found, files }]])
    for (let round = 0; round < 2; round += 1) {
      nowMs += 10
      sources.set('declarations', { ...found, files, monotonicMs: nowMs })
      await desired.update(declarations, reading(declarations, nowMs, { sources }))
    }
    absence = desired.absence('Volume/default/data')
    if (inventory.list().length === 0) {
      for (const each of declarations) await inventory.put(managedPart(volumeRecord(each)))
    }
  }
  return absence
}

describe('a declaration that another file has, and loses again', () => {
  it.each<[string, ...Step[]]>([
    ['its first file was emptied', [[], empty('a.yaml')], [[twin], empty('a.yaml')], [[], empty('a.yaml')]],
    [
      'its first file cannot be read',
      [[], { doubts: [doubt('a.yaml')] }],
      [[twin], { doubts: [doubt('a.yaml')] }],
      [[], { doubts: [doubt('a.yaml')] }],
    ],
    [
      'its first file was renamed and is not understood',
      [[], { doubts: [doubt('moved.yaml')] }],
      [[twin], { doubts: [doubt('moved.yaml')] }],
      [[], { doubts: [doubt('moved.yaml')] }],
    ],
  ])('is in doubt where %s', async (_title, ...steps) => {
    expect(await absenceAfter(...steps)).toMatchObject({
      state: 'held',
      reason: 'SourceUnclear',
      message: expect.stringMatching(/\.yaml declared it before, and may declare it still/),
    })
  })

  it.each<[string, ...Step[]]>([
    ['its first file was deleted in the meantime', [[], empty('a.yaml')], [[twin], empty('a.yaml')], [[]]],
    ['it was only moved', [[twin]], [[]]],
    ['it was only moved, and its checkout was replaced as a whole', [[twin], checkedOut], [[], checkedOut]],
  ])('was removed where %s', async (_title, ...steps) => {
    expect(await absenceAfter(...steps)).toEqual({ state: 'ending' })
  })
})
