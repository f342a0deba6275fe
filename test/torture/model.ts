/** A thing that a client was told and the disk or the driver says otherwise. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

/** What a call may do: by attribute (`volume:a`, `content:a`), the values that it may leave. */
export type Effects = Readonly<Record<string, readonly string[]>>

/** One call from its start to its answer. */
export interface Ticket {
  readonly title: string
  readonly effects: Effects
  /** Attributes that the call sets only where it makes the thing; this is the attribute of its existence. */
  readonly existence: string | undefined
  readonly setsIfNew: readonly string[]
  readonly before: Map<string, ReadonlySet<string>>
  /** By attribute: the calls that were under way at the same time. */
  readonly rivals: Map<string, Set<Ticket>>
  state: 'open' | 'done' | 'failed'
}

/** Stands for any value: a copy that was live while somebody wrote may hold anything. */
export const anything = '*'

/** What is not there. */
export const no = 'no'

/**
 * What clients know: for every attribute the values that it may have, given what calls were sent and how
 * they were answered. A call that was never answered may have happened or not, until its process is dead
 * and the attribute is looked at.
 */
export interface Model {
  possible(attribute: string): ReadonlySet<string>
  /** All attributes that ever had a value, with this prefix. */
  attributes(prefix: string): string[]
  begin(
    title: string,
    effects: Effects,
    ifNew?: { readonly existence: string; readonly sets: readonly string[] },
  ): Ticket
  /** The call was answered OK, with these values where the answer tells them. */
  succeed(ticket: Ticket, told?: Effects): void
  /** The call was refused for sure: it changed nothing. */
  fail(ticket: Ticket): void
  /** Whether no call that may change the attribute is open. */
  isQuiet(attribute: string): boolean
  /** How often the attribute was touched: equal at two moments means nothing touched it between. */
  touched(attribute: string): number
  /** Values that the attribute may have had at any moment of the call. */
  duringCall(ticket: Ticket, attribute: string): ReadonlySet<string>
  /** No call is open any more; those without an answer may have happened. */
  processDied(): void
  /** @throws Violation unless the value is a possible one; it is the only one from then on */
  observe(attribute: string, value: string, where: string): void
  /** Something outside the driver's doing: a reboot, a write by the workload. */
  set(attribute: string, values: readonly string[]): void
}

export function createModel(): Model {
  const values = new Map<string, ReadonlySet<string>>()
  const open = new Map<string, Set<Ticket>>()
  const touches = new Map<string, number>()
  const touch = (attribute: string) => touches.set(attribute, (touches.get(attribute) ?? 0) + 1)
  const possible = (attribute: string): ReadonlySet<string> => values.get(attribute) ?? new Set([no])
  const rivalValues = (ticket: Ticket, attribute: string) =>
    [...(ticket.rivals.get(attribute) ?? [])]
      .filter(({ state }) => state !== 'failed')
      .flatMap((rival) => rival.effects[attribute] ?? [])
  const end = (ticket: Ticket) => {
    for (const attribute of Object.keys(ticket.effects)) {
      open.get(attribute)?.delete(ticket)
      touch(attribute)
    }
  }

  return {
    possible,
    attributes: (prefix) => [...values.keys()].filter((attribute) => attribute.startsWith(prefix)),
    begin(title, effects, ifNew) {
      const ticket: Ticket = {
        title,
        effects,
        existence: ifNew?.existence,
        setsIfNew: ifNew?.sets ?? [],
        before: new Map(),
        rivals: new Map(),
        state: 'open',
      }
      for (const [attribute, added] of Object.entries(effects)) {
        const others = open.get(attribute) ?? new Set<Ticket>()
        for (const other of others) {
          const theirs = other.rivals.get(attribute) ?? new Set()
          other.rivals.set(attribute, theirs.add(ticket))
        }
        ticket.rivals.set(attribute, new Set(others))
        ticket.before.set(attribute, possible(attribute))
        open.set(attribute, others.add(ticket))
        values.set(attribute, new Set([...possible(attribute), ...added]))
        touch(attribute)
      }
      return ticket
    },
    succeed(ticket, told = {}) {
      end(ticket)
      ticket.state = 'done'
      const { existence } = ticket
      const existed = existence === undefined ? undefined : ticket.before.get(existence)
      const isAlone = existence === undefined || rivalValues(ticket, existence).length === 0
      const isNew = isAlone && existed?.size === 1 && existed.has(no)
      const isOld = isAlone && existed?.size === 1 && !existed.has(no)
      for (const [attribute, effect] of Object.entries(ticket.effects)) {
        const own = told[attribute] ?? effect
        const before = ticket.before.get(attribute) ?? new Set()
        const isConditional = ticket.setsIfNew.includes(attribute)
        values.set(
          attribute,
          new Set([
            ...(isConditional && isOld ? [] : own),
            ...(isConditional && !isNew ? before : []),
            ...rivalValues(ticket, attribute),
          ]),
        )
      }
    },
    fail(ticket) {
      end(ticket)
      ticket.state = 'failed'
      for (const attribute of Object.keys(ticket.effects)) {
        const hasRivals = [...(ticket.rivals.get(attribute) ?? [])].some(({ state }) => state !== 'failed')
        // With rivals, what they did stays possible, and with it, generously, what this one would have done.
        if (!hasRivals) values.set(attribute, ticket.before.get(attribute) ?? new Set([no]))
      }
    },
    isQuiet: (attribute) => (open.get(attribute)?.size ?? 0) === 0,
    touched: (attribute) => touches.get(attribute) ?? 0,
    duringCall: (ticket, attribute) =>
      new Set([
        ...(ticket.before.get(attribute) ?? []),
        ...possible(attribute),
        ...rivalValues(ticket, attribute),
      ]),
    processDied: () => open.clear(),
    observe(attribute, value, where) {
      const allowed = possible(attribute)
      if (!allowed.has(value) && !allowed.has(anything)) {
        throw new Violation(`${attribute} is ${value} ${where}, and can only be ${[...allowed].join(' or ')}`)
      }
      values.set(attribute, new Set([value]))
    },
    set(attribute, list) {
      values.set(attribute, new Set(list))
      touch(attribute)
    },
  }
}
