import type { Declaration } from '../declare/declaration.ts'
import type { Orders } from '../plan/orders.ts'
import type { Declared, ManagedPart } from '../plan/record.ts'

/** The three parts of one identity. */
export interface StoredParts {
  readonly declared: Declared
  readonly managed: ManagedPart
  readonly orders: Orders
}

/** Earlier releases counted the time that a declaration was missing by the wall clock. */
interface CountedByDate {
  readonly missingSinceMs?: number
}

/**
 * Repairs what was read from JSON: capacities are bigint, and JSON returns small ones as numbers. An absence that an
 * earlier release recorded begins to count anew, because no process saw how much time passed.
 */
export function reviveDeclared({ missingSinceMs, ...declared }: Declared & CountedByDate): Declared {
  return {
    ...declared,
    declaration: reviveDeclaration(declared.declaration),
    ...(missingSinceMs === undefined
      ? {}
      : { missing: { sinceMs: missingSinceMs, isSeen: true, elapsedMs: 0 } }),
  }
}

/** Repairs the declaration that a sent delete keeps. */
export function reviveManaged(managed: ManagedPart): ManagedPart {
  const isOfVolume = managed.kind === 'Volume' || managed.kind === 'HostVolume'
  if (!isOfVolume || managed.end?.declaration === undefined) return managed
  const declaration = reviveDeclaration(managed.end.declaration)
  return { ...managed, end: { ...managed.end, declaration } } as ManagedPart // Of the same kind.
}

function reviveDeclaration(declaration: Declaration): Declaration {
  if (!('capacity' in declaration.spec) || declaration.spec.capacity === undefined) return declaration
  const { min, max } = declaration.spec.capacity
  const capacity = {
    ...(min === undefined ? {} : { min: BigInt(min) }),
    ...(max === undefined ? {} : { max: BigInt(max) }),
  }
  return { ...declaration, spec: { ...declaration.spec, capacity } } as Declaration // Of the same kind.
}

/** A record as version 0.1.0 wrote it, in one piece. */
export interface WholeRecord {
  readonly key: string
  readonly declaration: Declaration
  readonly missingSinceMs?: number
  readonly schedule?: {
    readonly schedule: string
    readonly volume: string
    readonly tickMs: number
    readonly isExpired: boolean
    readonly objectUID?: string
  }
  readonly end?: { readonly phase: string; readonly tombstoneID: string }
}

/** Splits a record of version 0.1.0, which did not store when an expiry was ordered. */
export function takeApart(whole: WholeRecord, orders: Orders): StoredParts {
  const { declaration, missingSinceMs, schedule, ...managed } = whole
  const { object } = declaration.place
  const { isExpired = false, ...scheduledFor } = schedule ?? {}
  const end = whole.end?.phase === 'delete' ? { ...whole.end, declaration } : whole.end
  const expiry = isExpired && declaration.kind === 'Snapshot' ? declaration.spec.deletionPolicy : undefined
  return {
    declared: {
      key: whole.key,
      declaration,
      ...(missingSinceMs === undefined
        ? {}
        : { missing: { sinceMs: missingSinceMs, isSeen: true, elapsedMs: 0 } }),
      ...(schedule === undefined ? {} : { schedule: scheduledFor as Declared['schedule'] & object }),
    },
    // Passes wrote all other fields.
    managed: {
      ...managed,
      ...(object === undefined ? {} : { observed: object }),
      ...(end === undefined ? {} : { end }),
    } as unknown as ManagedPart,
    orders: expiry === undefined ? orders : { ...orders, expiry: { policy: expiry, atMs: 0 } },
  }
}
