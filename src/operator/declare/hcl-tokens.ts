/**
 * One token of HCL1, or of JSON, which readers of HCL1 accept, too.
 * - `identifier`: also `true`, `false` and `null`;
 * - `string`: the value, with escapes and heredocs resolved;
 * - `punctuation`: one of `{ } [ ] = : ,`;
 * - `foreign`: part of HCL2 only, such as an operator or a call. A job file may have them; a broken file is something else.
 */
export interface HclToken {
  readonly kind: 'identifier' | 'number' | 'string' | 'punctuation' | 'foreign'
  readonly text: string
  /** Within the text, in UTF-16 units. */
  readonly offset: number
}

/** The place from which on a text is not HCL. */
export interface HclFault {
  readonly offset: number
  /** It quotes nothing of the text, which may contain a secret. */
  readonly message: string
}

/** Tried in this order. Each begins where the last token ended. */
const patterns = {
  space: /[\s\uFEFF]+|#[^\r\n]*|\/\/[^\r\n]*|\/\*[\s\S]*?\*\//y,
  heredoc: /<<(?<dash>-?)(?<marker>[\p{L}\p{N}_]+)[ \t]*\r?\n/uy,
  number: /-?(?:0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)(?![\p{L}\p{N}_])/uy,
  identifier: /[\p{L}_][\p{L}\p{N}_.-]*/uy,
  punctuation: /[{}[\]=:,](?!=)/y,
} as const

/** A specification has a few hundred. */
const maxTokens = 20_000

/** Splits a text into tokens, up to its end or to the first fault. It never throws. */
export function tokenizeHcl(text: string): { readonly tokens: HclToken[]; readonly fault?: HclFault } {
  const tokens: HclToken[] = []
  let offset = 0
  const match = (pattern: RegExp) => {
    pattern.lastIndex = offset
    return pattern.exec(text)
  }
  while (offset < text.length) {
    const space = match(patterns.space)
    if (space !== null) {
      offset += space[0].length
      continue
    }
    if (text.startsWith('/*', offset))
      return { tokens, fault: { offset, message: 'a comment is not closed: end it with */' } }
    if (tokens.length >= maxTokens)
      return { tokens, fault: { offset, message: `the file has more than ${maxTokens} words and signs` } }
    const scanned = text[offset] === '"' ? scanString(text, offset) : scanOther(text, offset, match)
    if ('message' in scanned) return { tokens, fault: scanned }
    tokens.push({ kind: scanned.kind, text: scanned.text, offset })
    offset = scanned.end
  }
  return { tokens }
}

type Scanned = (Pick<HclToken, 'kind' | 'text'> & { readonly end: number }) | HclFault

function scanOther(
  text: string,
  offset: number,
  match: (pattern: RegExp) => RegExpExecArray | null,
): Scanned {
  const heredoc = match(patterns.heredoc)
  if (heredoc !== null) return scanHeredoc(text, offset, heredoc)
  for (const kind of ['number', 'identifier', 'punctuation'] as const) {
    const found = match(patterns[kind])
    if (found !== null) return { kind, text: found[0], end: offset + found[0].length }
  }
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0)
  return { kind: 'foreign', text: character, end: offset + character.length }
}

const simpleEscapes: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' },
  ...{ '\\': '\\', '"': '"', '/': '/' },
}
const numericEscape =
  /u(?<u>[0-9a-fA-F]{4})|U(?<U>[0-9a-fA-F]{8})|x(?<x>[0-9a-fA-F]{2})|(?<octal>[0-3][0-7]{2})/y

/** HCL1 keeps `${…}` unchanged, with quotes and line breaks within it. */
function scanString(text: string, start: number): Scanned {
  const open: HclFault = { offset: start, message: 'a string is not closed: end it with " on the same line' }
  let value = ''
  let depth = 0
  for (let at = start + 1; at < text.length; ) {
    const character = text[at] ?? ''
    if (depth === 0 && character === '"') return { kind: 'string', text: value, end: at + 1 }
    if (depth === 0 && (character === '\n' || character === '\r')) return open
    if (text.startsWith('${', at)) {
      depth++
      value += '${'
      at += 2
    } else if (depth === 0 && character === '\\') {
      const read = readEscape(text, at + 1)
      if (read === undefined) return { offset: at, message: 'is not an escape: write \\\\ for a backslash' }
      value += read.value
      at = read.end
    } else {
      if (depth > 0 && character === '{') depth++
      if (depth > 0 && character === '}') depth--
      value += character
      at++
    }
  }
  return open
}

function readEscape(text: string, at: number): { value: string; end: number } | undefined {
  const simple = simpleEscapes[text[at] ?? '']
  if (simple !== undefined) return { value: simple, end: at + 1 }
  numericEscape.lastIndex = at
  const match = numericEscape.exec(text)
  if (match === null) return undefined
  const { u, U, x, octal } = match.groups ?? {}
  const code = octal === undefined ? Number.parseInt(u ?? U ?? x ?? '', 16) : Number.parseInt(octal, 8)
  if (code > 0x10ffff) return undefined
  return { value: String.fromCodePoint(code), end: at + match[0].length }
}

/** With `<<-`, every line loses the indentation of the marker, if every line has it. */
function scanHeredoc(text: string, offset: number, opening: RegExpExecArray): Scanned {
  const { dash, marker } = opening.groups ?? {}
  const lines: string[] = []
  let at = offset + opening[0].length
  for (const { 0: line, index } of text.slice(at).matchAll(/[^\n]*(?:\n|$)/g)) {
    const content = line.replace(/\r?\n$/, '')
    if (content === marker || (dash === '-' && content.trimStart() === marker)) {
      const indent = content.slice(0, content.length - (marker?.length ?? 0))
      const isIndented = lines.every((each) => each.startsWith(indent))
      const body = isIndented ? lines.map((each) => each.slice(indent.length)) : lines
      return { kind: 'string', text: body.join(''), end: at + index + content.length }
    }
    if (line === '') break
    lines.push(line)
  }
  at = offset
  return { offset: at, message: 'a heredoc is not closed: end it with its marker on a line of its own' }
}
