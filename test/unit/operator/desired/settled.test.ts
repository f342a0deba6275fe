import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseDeclarations } from '../../../../src/operator/declare/parse-declarations.ts'
import { createDesired } from '../../../../src/operator/desired/desired.ts'
import { createOpenRecords } from '../../../../src/operator/desired/open-records.ts'
import { createMemoryInventory, emptyContents } from '../../../../src/operator/inventory/memory-inventory.ts'
import { expandPerAlloc } from '../../../../src/operator/plan/per-alloc.ts'
import { declaredPart, managedPart } from '../../../../src/operator/plan/record.ts'
import { contentOf, type ParsedFile, withKnown } from '../../../../src/operator/sources/parsed-file.ts'
import { volume } from '../../../builders/declarations.ts'
import { folder, evidence as listed, reading } from '../../../builders/evidence.ts'
import { volumeRecord } from '../../../builders/records.ts'

const source = 'declarations'
const files = ['a.yaml', 'b.yaml', 'c.yaml']

interface Document {
  readonly name: string
  readonly volumeID: string | undefined
  readonly externalID: string | undefined
  readonly count: number | undefined
  readonly minGi: number
}

const document: fc.Arbitrary<Document> = fc.record({
  name: fc.constantFrom('one', 'two', 'three', 'four'),
  volumeID: fc.option(fc.constantFrom('one', 'other'), { nil: undefined, freq: 5 }),
  externalID: fc.option(fc.constantFrom('vol-1', 'vol-2'), { nil: undefined, freq: 3 }),
  count: fc.option(fc.constantFrom(1, 2), { nil: undefined, freq: 6 }),
  minGi: fc.constantFrom(1, 2),
})

const step = fc.oneof(
  fc.record({
    file: fc.constantFrom(...files),
    documents: fc.array(document, { maxLength: 3 }),
    other: fc.constantFrom('', 'A', 'B'),
  }),
  fc.record({
    file: fc.constantFrom(...files),
    text: fc.constantFrom('{{ broken', '# nothing\n', 'kind: Other\n'),
  }),
  fc.record({ gone: fc.constantFrom(...files) }),
  fc.record({ passOver: fc.nat({ max: 5 }), externalID: fc.constantFrom('vol-1', 'vol-9') }),
  fc.record({ end: fc.nat({ max: 5 }) }),
  fc.record({ waitMs: fc.constantFrom(1, 100_000) }),
)

function textOf({ name, volumeID, externalID, count, minGi }: Document): string {
  const fields = [
    ...(volumeID === undefined ? [] : [`volumeID: ${volumeID}`]),
    ...(externalID === undefined || count !== undefined ? [] : [`externalID: ${externalID}`]),
    ...(count === undefined ? [] : [`perAlloc: {count: ${count}}`]),
    `capacity: {min: ${minGi}Gi}`,
    'deletionPolicy: Delete',
    'pluginID: directories',
    'capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]',
  ]
  return `apiVersion: mooring.dev/v1alpha1\nkind: Volume\nmetadata: {name: ${name}}\nspec:\n  ${fields.join('\n  ')}\n`
}

/**
 * Whoever knows the files by their objects decides about what changed; whoever gets others each time, about all. The first
 * is interrupted after each slice.
 */
function operator(knowsFiles: boolean) {
  const inventory = createMemoryInventory(emptyContents, (text) => text)
  const prune = { prune: true, pruneDelayMs: 50_000, maxPrune: 1, allowEmpty: false }
  const desired = createDesired({
    ...{ inventory, region: 'global', prune },
    ...(knowsFiles ? { createBreather: () => () => Promise.resolve() } : {}),
  })
  return {
    inventory,
    async read(parsed: ReadonlyMap<string, ParsedFile>, atMs: number) {
      const { declarations, evidence } = contentOf({
        source,
        files: knowsFiles ? parsed : structuredClone(parsed),
        doubts: [],
        listing: listed().listing,
        folderOf: () => folder,
        monotonicMs: atMs,
        readAtMs: atMs,
      })
      const update = await desired.update(
        declarations,
        reading(declarations, atMs, { sources: new Map([[source, evidence]]) }),
      )
      const byKey = <Value>(entries: Iterable<readonly [string, Value]>) =>
        [...entries].sort(([one], [other]) => (one < other ? -1 : 1))
      return {
        changed: update.changed.toSorted(),
        readAgainAtMs: update.readAgainAtMs,
        declarations: byKey(desired.declarations()),
        refusals: desired
          .refusals()
          .map(({ key, message }) => `${key}: ${message}`)
          .sort(),
        absences: inventory
          .list()
          .map(({ key }) => [key, desired.absence(key)])
          .sort(),
        records: inventory
          .list()
          .map((record) => [record.key, record])
          .sort(),
        found: ['one', 'two'].map((name) => desired.find('volumeName', `default/${name}`).length),
        keys: [...desired.declarations().keys()].sort(),
      }
    },
  }
}

it('readings that pass over what is settled decide as those do that decide about all', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
      const operators = [operator(true), operator(false)] as const
      const parsed = new Map<string, ParsedFile>()
      let atMs = 1_000_000
      let keys: readonly string[] = []
      for (const each of steps) {
        atMs += 1_000
        // Passes have begun to manage what was declared until now, but for the first one.
        for (const { inventory } of operators) {
          for (const key of keys.slice(1)) {
            const declaration = inventory.declared(key)?.declaration
            if (declaration?.kind === 'Volume' && inventory.get(key) === undefined)
              await inventory.put(managedPart(volumeRecord(declaration)))
          }
        }
        if ('gone' in each) parsed.delete(each.gone)
        if ('waitMs' in each) atMs += each.waitMs
        if ('file' in each) {
          const text = 'text' in each ? each.text : each.documents.map(textOf).join('---\n')
          // A document that is no declaration changes what surrounds the declarations that stay.
          const whole = `${text}${'other' in each && each.other ? `---\nkind: ${each.other}\n` : ''}`
          const place = { source, file: each.file }
          parsed.set(each.file, withKnown(parseDeclarations(whole, place), parsed.get(each.file)))
        }
        for (const { inventory } of operators) {
          const key = keys['passOver' in each ? each.passOver : 'end' in each ? each.end : -1]
          if (key === undefined) continue
          const declaration = inventory.get(key)?.declaration ?? inventory.declared(key)?.declaration
          if (declaration?.kind !== 'Volume') continue
          if (!('passOver' in each)) {
            if (inventory.get(key) !== undefined) await inventory.delete(key)
          } else {
            const externalID = declaration.spec.externalID ?? `${each.passOver}-${each.externalID}`
            await inventory.put(managedPart(volumeRecord(declaration, { externalID })))
          }
        }
        const [incremental, whole] = [
          await operators[0].read(parsed, atMs),
          await operators[1].read(parsed, atMs),
        ]
        expect(incremental).toEqual(whole)
        keys = whole.keys
      }
    }),
    { numRuns: 300 },
  )
})

it('a declaration with perAlloc counts once among the managed ones, however many instances it has', async () => {
  const inventory = createMemoryInventory(emptyContents, (text) => text)
  const records = createOpenRecords(inventory)
  const put = async (record: ReturnType<typeof volumeRecord>) => {
    await inventory.declare(declaredPart(record))
    await inventory.put(managedPart(record))
  }
  const instances = expandPerAlloc(volume('many', { perAlloc: { count: 3, whenScaled: 'Retain' } }))
  for (const each of [volume('one'), ...instances]) if (each.kind === 'Volume') await put(volumeRecord(each))
  expect(records.managedCount()).toBe(2)
  expect(createOpenRecords(inventory).managedCount()).toBe(2)
  for (const index of [0, 1]) await inventory.delete(`Volume/default/many[${index}]`)
  expect(records.managedCount()).toBe(2)
  await inventory.delete('Volume/default/many[2]')
  expect(records.managedCount()).toBe(1)
})
