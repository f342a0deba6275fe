import { readFileSync } from 'node:fs'

/** Every text of a test file, whole: a page that names a test has to name one of these. */
export function textsIn(file: string): ReadonlySet<string> {
  const literals = readFileSync(file, 'utf8').matchAll(
    /'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g,
  )
  return new Set(
    [...literals].map(([, single, double, template]) =>
      (single ?? double ?? template ?? '').replaceAll(/\\(.)/g, '$1'),
    ),
  )
}
