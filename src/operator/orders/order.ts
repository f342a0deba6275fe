import Type, { type TProperties } from 'typebox'
import { Value } from 'typebox/value'
import { type DeclaredKind, kindNames } from '../../lib/declared-kinds.ts'
import { UsageError } from '../../lib/errors.ts'

/**
 * The shape of one order: `type` says which one it is, and `key` what it is for. No part of a key holds a slash.
 * @param kinds what the order may be for
 */
function shape<Name extends string, Fields extends TProperties>(
  name: Name,
  kinds: readonly DeclaredKind[],
  fields: Fields,
) {
  return Type.Object(
    {
      type: Type.Literal(name),
      key: Type.String({
        pattern: `^(${kinds.join('|')})/[^/]+/[^/]+$`,
        description: kinds.map((kind) => `${kind}/<namespace>/<name>`).join(' or '),
      }),
      ...fields,
    },
    { additionalProperties: false },
  )
}

const text = (description: string) => Type.String({ minLength: 1, description })

/** A person says yes to the replacement of what they saw. */
const replaces = Type.Optional(
  text('the ID of the external volume that it replaces: it is refused if the volume has another one by then'),
)

/**
 * What a person may order for an identity, beside its declaration. An order is given by a command, by the admin API
 * or by an annotation. `parseOrder` reads it and `planOrder` decides what it does, whichever way it came.
 */
export const Order = Type.Union([
  /** Nothing is done for the identity until it is resumed. */
  shape('suspend', kindNames, {}),
  shape('resume', kindNames, {}),
  /** A person's word that the declaration was removed on purpose, where Mooring did not see its removal. */
  shape('confirmRemoval', kindNames, {}),
  /** Nothing is deleted: what would end is released, and stays. For this end alone. */
  shape('cancelEnd', ['Volume', 'Snapshot', 'HostVolume'], {}),
  /** A new external volume may take the place of the lost one. */
  shape('recreate', ['Volume', 'HostVolume'], {
    lostExternalID: text('the ID of the external volume that is lost'),
  }),
  /** A volume made from the snapshot takes the place of the one there is. */
  shape('restore', ['Volume'], {
    snapshot: text("the name of a declared snapshot or of a schedule's, or else a snapshot ID of the plugin"),
    replaces,
  }),
  /** An external volume that a restore replaced takes its place again. */
  shape('restoreBack', ['Volume'], {
    externalID: text('the ID of the external volume to go back to'),
    replaces,
  }),
  /** Calls off the restore that is ordered or under way. */
  shape('undoRestore', ['Volume'], {}),
  /** A person's word that nothing on the node writes to the volume any more. */
  shape('detach', ['Volume'], {
    node: text("the node's ID, or the beginning of it"),
    allocations: Type.Optional(
      Type.Array(text('the ID of an allocation'), {
        description:
          'a list with the IDs of all allocations that claim the volume there; left out: those that do now',
      }),
    ),
  }),
  /**
   * Runs a schedule now. The key is the schedule's, or that of a volume, which one schedule selects. Where no schedule
   * has the name, the volume of that name is meant.
   */
  shape('takeSnapshots', ['SnapshotSchedule', 'Volume'], {
    volume: Type.Optional(text("the key of one of the schedule's volumes: only that one")),
  }),
  /** A person's word that the date is right, although it leapt. */
  shape('trustClock', ['SnapshotSchedule'], {}),
  /** Retention leaves a schedule's snapshot alone. */
  shape('keepSnapshot', ['Snapshot'], {}),
  shape('releaseSnapshot', ['Snapshot'], {}),
])
export type Order = Type.Static<typeof Order>
export type OrderType = Order['type']
export type OrderOf<Name extends OrderType> = Extract<Order, { readonly type: Name }>

const shapes = new Map(Order.anyOf.map((each) => [each.properties.type.const as string, each]))

/**
 * Reads an order, whichever way it came.
 * @throws UsageError that names the field and what to write there
 */
export function parseOrder(value: unknown): Order {
  if (typeof value !== 'object' || value === null || !('type' in value)) {
    throw new UsageError('an order is an object such as {"type": "suspend", "key": "Volume/default/data"}')
  }
  const found = shapes.get(String(value.type))
  if (found === undefined) {
    throw new UsageError(`"${value.type}" is not an order: write one of ${[...shapes.keys()].join(', ')}`)
  }
  const { properties } = found
  const wrong = Object.keys({ ...properties, ...value }).find((name) => {
    const schema = properties[name as keyof typeof properties]
    const given = (value as Record<string, unknown>)[name]
    if (schema === undefined) return true
    return given === undefined ? found.required.includes(name as never) : !Value.Check(schema, given)
  })
  if (wrong === undefined) return value as Order // As the schema says.
  const { description: expected } = (properties[wrong as 'key'] ?? {}) as { description?: string }
  throw new UsageError(
    expected === undefined
      ? `order ${value.type} has no field "${wrong}": leave it out`
      : `order ${value.type}: "${wrong}" is ${JSON.stringify((value as Record<string, unknown>)[wrong]) ?? 'missing'}: write ${expected}`,
  )
}
