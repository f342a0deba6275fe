import type { ParsedDeclarations } from '../../src/operator/declare/parse-declarations.ts'
import { createParse } from '../../src/operator/sources/open-sources.ts'
import type { ParseFile } from '../../src/operator/sources/source.ts'

const parse = createParse(new Map())
const parsed = new Map<string, ParsedDeclarations>()

/** Histories write the same texts again and again. What a text means depends on nothing else. */
export const parseOnce: ParseFile = (text, origin) => {
  const name = `${origin.source} ${origin.file} ${text}`
  const known = parsed.get(name) ?? parse(text, origin)
  if (parsed.size > 10_000) parsed.clear()
  parsed.set(name, known)
  return { ...known, declarations: [...known.declarations], problems: [...known.problems] }
}
