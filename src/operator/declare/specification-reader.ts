import type { Fault, FieldPath } from './fault.ts'
import type { HclItem, HclObject, HclValue } from './hcl-parser.ts'
import { parseNomadBytes } from './nomad-bytes.ts'

interface Capability {
  readonly accessMode?: string | undefined
  readonly attachmentMode?: string | undefined
}

/**
 * Reads the keys of one specification file as tolerantly as Nomad does: names in any case, numbers in place of text, a block
 * or a list of objects. It collects what is wrong, and what has no effect.
 */
export function createSpecificationReader(root: HclObject) {
  const problems: Fault[] = []
  const warnings: Fault[] = []
  const read = new Set(['type'])
  const problem = (path: FieldPath, message: string) => void problems.push({ path, message })
  const warn = (path: FieldPath, message: string) => void warnings.push({ path, message })

  /** All values of a key. Repeated blocks are the same as a list of objects. */
  function valuesOf(key: string, within = root): HclValue[] {
    if (within === root) read.add(key)
    return within.items.filter((item) => keyOf(item) === key && item.value.type !== 'null').map(unlabelled)
  }
  function blocksOf(key: string, within = root, path: FieldPath = [key]): HclObject[] {
    return valuesOf(key, within)
      .flatMap((value) => (value.type === 'list' ? value.items : [value]))
      .filter((value) => {
        if (value.type !== 'object') problem(path, 'must be a block, in { }')
        return value.type === 'object'
      })
  }
  function single(key: string, within = root, path: FieldPath = [key]): HclValue | undefined {
    const [value, ...more] = valuesOf(key, within)
    if (more.length > 0) problem(path, 'is given more than once: remove one')
    return value
  }
  function text(key: string, within = root, path: FieldPath = [key]): string | undefined {
    const value = single(key, within, path)
    const written = value === undefined ? undefined : textOf(value)
    if (value !== undefined && written === undefined) problem(path, 'must be text in quotes')
    // An empty text counts as absent, as in Nomad.
    return written === '' ? undefined : written
  }
  function refuseOthers(block: HclObject, known: readonly string[], path: FieldPath) {
    for (const item of block.items) {
      if (!known.includes(keyOf(item)))
        problem([...path, item.key], `is not a key here: Nomad knows ${known.join(' and ')}`)
    }
  }
  function mapOf(blocks: readonly HclObject[], path: FieldPath): Record<string, string> {
    const map: Record<string, string> = Object.create(null)
    for (const item of blocks.flatMap(({ items }) => items)) {
      const value = textOf(item.value)
      if (value === undefined) problem([...path, item.key], 'must be text in quotes')
      else if (!/^\P{Cc}+$/u.test(item.key))
        problem(path, 'contains a key that is empty or has control characters: correct it')
      else map[item.key] = value
    }
    return { ...map }
  }

  /** One list of topologies. Nomad uses the first `required` (or `preferred`) block that has any. */
  function topologies(requests: readonly HclObject[], key: string): Record<string, string>[] | undefined {
    const path = ['topology_request', key]
    const lists = requests
      .flatMap((request) => blocksOf(key, request, path))
      .map((block) =>
        blocksOf('topology', block, [...path, 'topology'])
          .flatMap((topology) => blocksOf('segments', topology, [...path, 'topology', 'segments']))
          .map((segments) => mapOf([segments], path))
          .filter((segments) => Object.keys(segments).length > 0),
      )
      .filter((list) => list.length > 0)
    if (lists.length > 1) warn(path, 'has no effect after the first: put every topology into one block')
    return lists[0]
  }

  return {
    problems,
    warnings,
    problem,
    text,
    /** undefined where it is absent, 0 or "", which are the same to Nomad. */
    capacity(key: string): string | undefined {
      const written = text(key)
      if (written === undefined) return undefined
      const bytes = parseNomadBytes(written)
      if (bytes === undefined)
        problem(
          [key],
          'is not a size: write a number with one of KiB, MiB, GiB, TiB, KB, MB, GB, TB, such as "10GiB"',
        )
      return bytes === undefined || bytes === 0n ? undefined : bytes.toString()
    },
    stringMap(key: string): Record<string, string> | undefined {
      const blocks = blocksOf(key)
      return blocks.length === 0 ? undefined : mapOf(blocks, [key])
    },
    capabilities(): Capability[] {
      const [accessMode, attachmentMode] = [text('access_mode'), text('attachment_mode')]
      const given = blocksOf('capability').map((block, index) => {
        const path = ['capability', index]
        refuseOthers(block, ['access_mode', 'attachment_mode'], path)
        return dropUndefined({
          accessMode: text('access_mode', block, [...path, 'access_mode']),
          attachmentMode: text('attachment_mode', block, [...path, 'attachment_mode']),
        })
      })
      const isLegacy = given.length === 0 && accessMode !== undefined && attachmentMode !== undefined
      const legacy = isLegacy
        ? 'is the form of old releases. It works here, but Nomad itself needs a capability block now'
        : 'has no effect here: move it into a capability block'
      if (accessMode !== undefined) warn(['access_mode'], legacy)
      if (attachmentMode !== undefined) warn(['attachment_mode'], legacy)
      return isLegacy ? [{ accessMode, attachmentMode }] : given
    },
    mountOptions(capabilities: readonly Capability[]) {
      const [block, ...more] = blocksOf('mount_options')
      if (more.length > 0) warn(['mount_options'], 'has no effect after the first block: remove the others')
      if (block === undefined) return undefined
      refuseOthers(block, ['fs_type', 'mount_flags'], ['mount_options'])
      const fsType = text('fs_type', block, ['mount_options', 'fs_type'])
      const path = ['mount_options', 'mount_flags']
      const flags = single('mount_flags', block, path)
      if (flags !== undefined && flags.type !== 'list') problem(path, 'must be a list of texts, in [ ]')
      const mountFlags = flags?.type === 'list' ? flags.items.map(textOf) : undefined
      if (mountFlags?.includes(undefined)) problem(path, 'must contain only texts in quotes')
      if (!capabilities.some(({ attachmentMode }) => attachmentMode !== 'block-device')) {
        warn(['mount_options'], 'has no effect on a block device')
        return undefined
      }
      return dropUndefined({ fsType, mountFlags })
    },
    topology() {
      const requests = blocksOf('topology_request')
      for (const request of requests) refuseOthers(request, ['required', 'preferred'], ['topology_request'])
      const request = dropUndefined({
        required: topologies(requests, 'required'),
        preferred: topologies(requests, 'preferred'),
      })
      return Object.keys(request).length === 0 ? undefined : request
    },
    refuseIfGiven(key: string, message: string) {
      if (valuesOf(key).some((value) => textOf(value) !== '')) problem([key], message)
    },
    warnIfGiven(key: string, why: string) {
      if (valuesOf(key).length > 0) warn([key], `has no effect: it ${why}`)
    },
    /** To be called last: warns about keys that nothing has read. */
    warnOfTheRest() {
      for (const item of root.items) {
        if (!read.has(keyOf(item)))
          warn([item.key], 'has no effect: Nomad ignores this key, and so does Mooring')
      }
    },
    /** The offset of a key, or of the nearest thing around it. */
    locate(path: FieldPath): number {
      let place = root.items[0]?.offset ?? 0
      let values: readonly HclValue[] = [root]
      for (const part of path) {
        if (typeof part === 'number') {
          values = values.slice(part, part + 1)
          place = values[0]?.offset ?? place
          continue
        }
        const items = values.flatMap((value) => (value.type === 'object' ? value.items : []))
        const found = items.filter((item) => item.key === part || keyOf(item) === part)
        if (found.length === 0) break
        place = found[0]?.offset ?? place
        values = found.flatMap(({ value }) => (value.type === 'list' ? value.items : [value]))
      }
      return place
    },
  }
}

/** Nomad decodes with mapstructure, which ignores case. */
const keyOf = ({ key }: HclItem) => key.toLowerCase()

/** A label is one more level: `secrets "a" { … }` is `secrets { a { … } }`, which no key here allows. */
function unlabelled({ value, labels, offset }: HclItem): HclValue {
  return labels.reduceRight<HclValue>(
    (inner, key) => ({ type: 'object', offset, items: [{ key, offset, labels: [], value: inner }] }),
    value,
  )
}

/** Numbers and booleans as text, as in Nomad's weak decoding. */
function textOf(value: HclValue): string | undefined {
  if (value.type === 'string') return value.text
  if (value.type === 'boolean') return value.value ? '1' : '0'
  if (value.type !== 'number') return undefined
  // Go reads 0770 as octal.
  if (/^0[0-7]+$/.test(value.text)) return BigInt(`0o${value.text}`).toString()
  if (/^0x/i.test(value.text)) return BigInt(value.text).toString()
  return /^-?\d+$/.test(value.text) ? value.text : String(Number(value.text))
}

/** Without the fields that are undefined. */
export function dropUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Partial<T> // The same fields.
}
