/**
 * Prepares this process or worker for histories, before anything of Mooring is loaded: sources get the simulated folder
 * in the place of this machine's. A planted fault is one text of one module that is replaced while it is loaded.
 */
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

export interface PlantedText {
  /** Beneath `src/`. */
  readonly file: string
  /** Must occur exactly once. */
  readonly text: string
  readonly replacement: string
}

const standIns: Readonly<Record<string, string>> = {
  'node:fs/promises': './stand-ins/fs-promises.ts',
  chokidar: './stand-ins/chokidar.ts',
}

const sourcesRoom = new URL('../../src/operator/sources/', import.meta.url).href
/** Git works with processes and its own files, and is no part of a history. */
const isStandInFor = (url = '') => url.startsWith(sourcesRoom) && !url.startsWith(`${sourcesRoom}git`)

export function prepareModules(planted: readonly PlantedText[] = []): { readonly unplanted: () => string[] } {
  const open = Map.groupBy(planted, urlOf)
  const missing = new Set(open.keys())
  registerHooks({
    resolve(specifier, context, next) {
      const standIn = isStandInFor(context.parentURL) ? standIns[specifier] : undefined
      return standIn === undefined
        ? next(specifier, context)
        : next(new URL(standIn, import.meta.url).href, context)
    },
    load(url, context, next) {
      const loaded = next(url, context)
      const texts = open.get(url)
      if (texts === undefined) return loaded
      missing.delete(url)
      return { ...loaded, source: plantTexts(Buffer.from(loaded.source as Uint8Array).toString(), texts) }
    },
  })
  return { unplanted: () => [...missing].map((url) => fileURLToPath(url)) }
}

const urlOf = ({ file }: PlantedText) => new URL(`../../src/${file}`, import.meta.url).href

/** @throws Error where a text is no longer there, so that a table of faults cannot rot unseen */
export function plantTexts(source: string, texts: readonly PlantedText[]): string {
  return texts.reduce(replaceOnce, source)
}

function replaceOnce(source: string, { file, text, replacement }: PlantedText): string {
  const parts = source.split(text)
  if (parts.length !== 2) {
    throw new Error(
      `the fault in src/${file} cannot be planted: its text occurs ${parts.length - 1} times, not once`,
    )
  }
  return parts.join(replacement)
}
