import { createHash } from 'node:crypto'
import { invalidArgument } from './driver-error.ts'
import { longestStringBytes } from './request-limits.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: the specification bans exactly these from names.
const bannedInNames = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/

/** Checks the name of a volume or snapshot, beyond what every string of a request is checked for. */
export function checkName(name: string): void {
  if (name === '') throw invalidArgument('name is required')
  if (bannedInNames.test(name)) throw invalidArgument('name holds control characters')
}

/**
 * Whether a text can be the ID of something in the pool. An ID is the name of a directory entry, so
 * nothing that could lead elsewhere is one. Names with a leading dot are the driver's own files.
 */
export function isPoolID(text: string): boolean {
  return (
    text !== '' &&
    !text.startsWith('.') &&
    !text.includes('/') &&
    !text.includes('\\') &&
    // What a file name in another encoding turns into.
    !text.includes('\ufffd') &&
    !/\p{Cc}/u.test(text) &&
    Buffer.byteLength(text) <= longestStringBytes
  )
}

const hashLength = 10

/** The part of an ID that can be read, for a name that is no plain file name or whose ID is taken. */
function plainPart(name: string): string {
  return name
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 100)
}

/**
 * The ID for a new volume or snapshot: its name where that is a plain file name and free, otherwise the
 * plain part of the name with a hash of the whole.
 */
export function chooseID(name: string, isTaken: (id: string) => boolean): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(name) && isPoolID(name) && !isTaken(name)) return name
  const plain = plainPart(name)
  for (let attempt = 0; ; attempt++) {
    const salted = attempt === 0 ? name : `${attempt}:${name}`
    const hash = createHash('sha256').update(salted).digest('hex').slice(0, hashLength)
    const id = plain === '' ? hash : `${plain}-${hash}`
    if (!isTaken(id)) return id
  }
}

/** Whether `chooseID` may have given an ID for a name, whatever else was taken then. */
export function couldBeOf(id: string, name: string): boolean {
  if (id === name) return true
  const plain = plainPart(name)
  const start = plain === '' ? '' : `${plain}-`
  return id.startsWith(start) && new RegExp(`^[0-9a-f]{${hashLength}}$`).test(id.slice(start.length))
}
