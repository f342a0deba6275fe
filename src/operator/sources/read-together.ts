import type { Declaration, Problem } from '../declare/declaration.ts'
import type { Reading } from '../desired/absence.ts'
import type { OrderedEnd } from '../desired/object-ends.ts'
import type { Source, SourceContent } from './source.ts'

/** The content of all sources at one moment. */
export interface CommonReading {
  readonly reading: Reading
  readonly declarations: readonly Declaration[]
  readonly ends: readonly OrderedEnd[]
  readonly problems: readonly Problem[]
  readonly warnings: readonly Problem[]
  /** To be called when everything that follows from this reading is stored. */
  recorded(): Promise<void>
}

/** A source after its latest reading. */
export interface SourceState {
  readonly name: string
  /** undefined before the first reading. */
  readonly last?: {
    readonly declarations: number
    readonly problems: number
    readonly isComplete: boolean
  }
  /** `readAtMs` of the latest complete reading. */
  readonly lastCompleteMs?: number
  /** Of a Git repository: what the latest reading showed. */
  readonly commit?: string
}

/** Reads all sources as one. */
export function createCommonReader(sources: readonly Source[]): {
  /** Rejects only when `signal` aborts. */
  read(signal?: AbortSignal): Promise<CommonReading>
  /** In the order of the sources. */
  states(): readonly SourceState[]
} {
  const states = new Map(sources.map((source): [Source, SourceState] => [source, { name: source.name }]))

  function note(source: Source, { evidence, declarations, problems, readAtMs, commit }: SourceContent): void {
    const isComplete = evidence.doubts.length === 0
    states.set(source, {
      ...states.get(source),
      name: source.name,
      last: { declarations: declarations.length, problems: problems.length, isComplete },
      ...(isComplete ? { lastCompleteMs: readAtMs } : {}),
      ...(commit === undefined ? {} : { commit }),
    })
  }

  return {
    async read(signal) {
      const contents = await Promise.all(sources.map((source) => source.read(signal)))
      signal?.throwIfAborted()
      for (const [index, source] of sources.entries()) {
        const content = contents[index]
        if (content !== undefined) note(source, content)
      }
      const declarations = contents.flatMap((content) => content.declarations)
      return {
        reading: {
          atMs: Math.min(...contents.map(({ readAtMs }) => readAtMs)),
          monotonicMs: Math.min(...contents.map(({ evidence }) => evidence.monotonicMs)),
          count: declarations.length,
          sources: new Map(
            sources.flatMap(({ name }, index) => {
              const evidence = contents[index]?.evidence
              return evidence === undefined ? [] : [[name, evidence] as const]
            }),
          ),
          unusable: new Set(contents.flatMap(({ unusable }) => [...(unusable ?? [])])),
        },
        declarations,
        ends: contents.flatMap(({ ends }) => ends ?? []),
        problems: contents.flatMap(({ problems }) => problems),
        warnings: contents.flatMap(({ warnings }) => warnings),
        async recorded() {
          await Promise.all(
            sources.map((source, index) => {
              const content = contents[index]
              return content && source.recorded?.(content)
            }),
          )
        },
      }
    },
    states: () => [...states.values()],
  }
}
