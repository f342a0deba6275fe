import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseDeclarations } from '../../../../src/operator/declare/parse-declarations.ts'
import { createDesired } from '../../../../src/operator/desired/desired.ts'
import type { Evidence } from '../../../../src/operator/desired/evidence.ts'
import { createMemoryInventory, emptyContents } from '../../../../src/operator/inventory/memory-inventory.ts'
import { keyOf } from '../../../../src/operator/plan/identity.ts'
import { managedPart } from '../../../../src/operator/plan/record.ts'
import { contentOf, unreadFile } from '../../../../src/operator/sources/parsed-file.ts'
import { decodeText } from '../../../../src/operator/sources/read-text.ts'
import { folder, evidence as listed, reading } from '../../../builders/evidence.ts'
import { volumeRecord } from '../../../builders/records.ts'

const source = 'declarations'
const file = 'a.yaml'
const volume = (name: string) => `apiVersion: mooring.dev/v1alpha1
kind: Volume
metadata: {name: ${name}}
spec:
  pluginID: directories
  deletionPolicy: Delete
  capabilities: [{accessMode: single-node-writer, attachmentMode: file-system}]
`
const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n'
const original = [volume('one'), configMap, volume('two')].join('---\n')

/** The content of a folder that holds this file alone. */
function read(bytes: Uint8Array, monotonicMs: number) {
  const decoded = decodeText(bytes)
  const place = { source, file, document: 0, line: 1, column: 1 }
  const parsed =
    'message' in decoded
      ? unreadFile({ place, field: '', message: decoded.message })
      : parseDeclarations(decoded.text, { source, file })
  return contentOf({
    source,
    files: new Map([[file, parsed]]),
    doubts: [],
    listing: listed().listing,
    folderOf: () => folder,
    monotonicMs,
    readAtMs: monotonicMs,
  })
}

/** Pieces of the original, and of what people and tools put in its place. */
const piece = fc.oneof(
  fc.constantFrom(volume('one'), volume('two'), volume('three'), configMap, '---\n', '\n', '# a comment\n'),
  fc.constantFrom(
    '<<<<<<< HEAD\n',
    '=======\n',
    '>>>>>>> b\n',
    'sops: {mac: x}\n',
    '[]\n',
    '- a\n',
    '\ufeff',
  ),
  fc.constantFrom(
    volume('one').replace('Volume', 'Volum'),
    volume('one').replace('mooring.dev/v1alpha1', 'example.com/v1'),
    volume('two').split('\n').slice(2).join('\n'),
    configMap.replace('settings', 'others'),
  ),
  fc
    .tuple(fc.nat({ max: original.length }), fc.nat({ max: original.length }))
    .map(([from, to]) => original.slice(from, to)),
  fc.string({ maxLength: 20 }),
)
const replacement = fc.oneof(
  fc.array(piece, { maxLength: 6 }).map((pieces) => new TextEncoder().encode(pieces.join(''))),
  fc.uint8Array({ maxLength: 60 }),
)

/** Whether a person can have removed something from the file: all that is left in it is known. */
function isKnownWhole({ files, doubts }: Evidence): boolean {
  const found = files.get(file)
  const others = found?.others.map(({ what }) => what) ?? []
  return (
    doubts.length === 0 &&
    found !== undefined &&
    found.documents > 0 &&
    others.length <= 1 &&
    others.every((what) => what === 'apiVersion "v1", kind "ConfigMap"')
  )
}

it('whatever bytes replace a file, nothing that it declared ends unless everything left in it is known', async () => {
  let ended = 0
  await fc.assert(
    fc.asyncProperty(replacement, async (bytes) => {
      const inventory = createMemoryInventory(emptyContents, (text) => text)
      const prune = { prune: true, pruneDelayMs: 1_000, maxPrune: 9, allowEmpty: true }
      let desired = createDesired({ inventory, region: 'global', prune })
      const before = read(new TextEncoder().encode(original), 0)
      const update = ({ declarations, evidence }: ReturnType<typeof read>, nowMs: number) =>
        desired.update(
          declarations,
          reading(declarations, nowMs, { sources: new Map([[source, { ...evidence, monotonicMs: nowMs }]]) }),
        )
      await update(before, 0)
      for (const declaration of before.declarations) {
        if (declaration.kind === 'Volume') await inventory.put(managedPart(volumeRecord(declaration)))
      }
      const after = read(bytes, 1)
      await update(after, 10)
      // Another process takes over in between.
      desired = createDesired({ inventory, region: 'global', prune })
      for (const nowMs of [20_000, 30_000, 40_000]) await update(after, nowMs)
      for (const declaration of before.declarations) {
        const key = keyOf(declaration)
        if (desired.absence(key)?.state !== 'ending') continue
        ended += 1
        expect(after.declarations.map(keyOf)).not.toContain(key)
        expect(isKnownWhole(after.evidence)).toBe(true)
      }
    }),
    { numRuns: 1_500 },
  )
  // It would prove nothing if nothing ever ended.
  expect(ended).toBeGreaterThan(20)
})
