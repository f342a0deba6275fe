import { type TableName, tableNames } from '../../../src/server/state/database.ts'
import type { State } from '../../../src/server/state/state.ts'

/** Follows what a process committed, and judges what the next one finds of it. */
export interface Durability {
  /** A process has read its state. @returns what is wrong with it, for people */
  opened(state: State, afterPowerCut: boolean): string | undefined
}

export function createDurability(onCommit: () => void): Durability {
  const rows = new Map<string, string>()
  const indexes = new Map<TableName, number>()

  function takeOver(state: State) {
    rows.clear()
    for (const [place, text] of rowsOf(state)) rows.set(place, text)
    for (const name of tableNames) indexes.set(name, state.index(name))
  }

  function judge(state: State): string | undefined {
    if (indexes.size === 0) return undefined
    const found = new Map(rowsOf(state))
    const places = new Set([...rows.keys(), ...found.keys()])
    const different = [...places].find((place) => rows.get(place) !== found.get(place))
    if (different !== undefined)
      return `${different} ${found.has(different) ? 'is not what it was' : 'is not there'} after a kill`
    const moved = tableNames.find((name) => indexes.get(name) !== state.index(name))
    return (
      moved && `the index of ${moved} is ${state.index(moved)} after a kill, and was ${indexes.get(moved)}`
    )
  }

  return {
    opened(state, afterPowerCut) {
      const fault = afterPowerCut ? undefined : judge(state)
      takeOver(state)
      state.follow((changes, index) => {
        for (const { table, key, after } of changes) {
          const place = `${table}/${key}`
          if (after === undefined) rows.delete(place)
          else rows.set(place, write(after))
        }
        for (const name of tableNames) if (state.index(name) === index) indexes.set(name, index)
        onCommit()
      })
      return fault
    },
  }
}

/** The same for rows that are equal, in whichever order their fields stand. */
const write = (row: object) =>
  JSON.stringify(row, (_name, value: unknown) => {
    if (typeof value === 'bigint') return String(value)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
  })

function rowsOf(state: State): [place: string, text: string][] {
  return tableNames.flatMap((name) => {
    const table: { list(): readonly object[]; keyOf(row: never): string } = state[name]
    return table.list().map((row): [string, string] => [`${name}/${table.keyOf(row as never)}`, write(row)])
  })
}
