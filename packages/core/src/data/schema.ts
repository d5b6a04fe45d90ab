import { isPromise } from '../crypto/is-promise.ts'
import { SessionError } from '../errors.ts'
import type { Block, Blocks, Changes } from '../rules/diff-and-merge.ts'
import { diff, isEmpty } from '../rules/diff-and-merge.ts'
import { adoptData } from './lazy-object.ts'
import { decodeValue, isPlain, propertyName } from './value.ts'

/**
 * A validator with the Standard Schema interface (https://standardschema.dev), such as zod, valibot and arktype. This
 * is a copy of the part of the interface that is used, as the specification allows.
 */
export interface StandardSchema<input = unknown, output = input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<output> | Promise<SchemaResult<output>>
    readonly types?: { readonly input: input; readonly output: output } | undefined
  }
}

export type SchemaResult<output> =
  | { readonly value: output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  /** The path to the invalid value. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The output type of a schema. */
export type SchemaOutput<schema extends StandardSchema> = NonNullable<
  schema['~standard']['types']
>['output']

/** The schema's output for the blocks of a record. */
export interface Shape {
  /** The blocks of the output. */
  readonly blocks: Blocks
  /**
   * Stored keys that the schema drops. Another version of the app may need them, so the record keeps them unless they
   * would change the schema's output for `blocks`.
   */
  readonly dropped: Blocks
}

const noBlocks: Blocks = new Map()

/** The validated object, or `null` if the schema refuses it. */
export async function validate(schema: StandardSchema, value: object): Promise<object | null> {
  const result = await schema['~standard'].validate(value)
  return result.issues ? null : readOutput(result.value)
}

function readOutput(output: unknown): object {
  const isObject = typeof output === 'object' && output !== null
  if (isObject && isPlain(output, Object.getPrototypeOf(output))) return output
  return refuseSchema('must give an object, with one key for each value')
}

function refuseSchema(what: string): never {
  throw new SessionError('invalid-schema', `The schema ${what}`)
}

/** The data object of a new session. */
export async function emptyOf(schema: StandardSchema): Promise<object> {
  const empty = await validate(schema, {})
  if (empty !== null) return empty
  return refuseSchema('refuses an empty session: make every key optional, or give it a default')
}

/** Schemas that are known to accept their own empty session. */
const consistent = new WeakSet<StandardSchema>()

/** The blocks of a new session. */
export async function emptyBlocks(schema: StandardSchema): Promise<Blocks> {
  const blocks = blocksOf(await emptyOf(schema))
  if (!consistent.has(schema)) await checkOwn(schema, blocks)
  consistent.add(schema)
  return blocks
}

/** The schema's output for a record's blocks; `null` if it refuses them. */
export async function shapeBlocks(schema: StandardSchema, stored: Blocks): Promise<Shape | null> {
  const output = await validate(schema, objectOf(stored))
  if (output === null) return null
  const blocks = blocksOf(output)
  if (isSame(blocks, stored)) return { blocks, dropped: noBlocks }
  const dropped = droppedBy(blocks, stored)
  if (dropped.size > 0 && isSame(await remake(schema, blocks, dropped), blocks)) {
    return { blocks, dropped }
  }
  await checkOwn(schema, blocks)
  return { blocks, dropped: noBlocks }
}

function droppedBy(blocks: Blocks, stored: Blocks): Blocks {
  return new Map([...stored].filter(([key]) => !blocks.has(key)))
}

async function remake(
  schema: StandardSchema,
  blocks: Blocks,
  dropped: Blocks,
): Promise<Blocks | null> {
  const output = await validate(schema, objectOf(dropped, blocks))
  return output && blocksOf(output)
}

/** The schema's output is stored, so the schema must accept it when it is loaded again. */
async function checkOwn(schema: StandardSchema, blocks: Blocks): Promise<void> {
  const { issues } = await schema['~standard'].validate(objectOf(blocks))
  if (!issues) return
  refuseSchema(`refuses ${namesOf(issues)} as it has made it itself: it must accept its own output`)
}

/** Creates the error for data that the schema refuses. `names`: the paths. */
export type RefuseData = (names: string) => SessionError

/**
 * Checks that the schema will accept the blocks when they are loaded. Returns the dropped keys that can be kept as
 * well. Throws if the schema refuses the blocks, or drops a key that was set. Synchronous if the schema is.
 */
export function checkBlocks(
  schema: StandardSchema,
  { blocks, dropped = noBlocks }: Partial<Shape> & Pick<Shape, 'blocks'>,
  { set }: Pick<Changes, 'set'>,
  refuse: RefuseData,
): Blocks | Promise<Blocks> {
  return settled(schema['~standard'].validate(objectOf(blocks)), (result) => {
    if (result.issues) throw refuse(namesOf(result.issues))
    const output = readOutput(result.value)
    const lost = [...set.keys()].filter((key) => blocks.has(key) && !Object.hasOwn(output, key))
    if (lost.length > 0) throw refuse(lost.map((key) => nameOf([key])).join(', '))
    const rest = new Map([...dropped].filter(([key]) => !blocks.has(key)))
    if (rest.size === 0) return noBlocks
    return settled(schema['~standard'].validate(objectOf(rest, blocks)), (beside) => {
      const isKept = !beside.issues && isSame(blocksOf(readOutput(beside.value)), blocksOf(output))
      return isKept ? rest : noBlocks
    })
  })
}

/** Calls `next` synchronously if the value is not a promise. */
export function settled<value, result>(
  value: value | Promise<value>,
  next: (value: value) => result | Promise<result>,
): result | Promise<result> {
  return isPromise(value) ? (async () => next(await value))() : next(value)
}

/** The blocks that an object encodes to. Throws `unsupported-value`. */
export function blocksOf(object: object): Blocks {
  return adoptData(object).blocks()
}

/** Decodes blocks to a new object, which a schema or the app may change. */
export function objectOf(...all: readonly Blocks[]): object {
  const values = all.flatMap((blocks) =>
    [...blocks].map(([key, block]: [string, Block]) => [key, decodeValue(key, block)] as const),
  )
  return Object.fromEntries(values)
}

function isSame(left: Blocks | null, right: Blocks): boolean {
  return left !== null && isEmpty(diff(left, right))
}

/** The paths of the issues. Their messages may quote a value, and are left out. */
function namesOf(issues: readonly SchemaIssue[]): string {
  return [...new Set(issues.map(({ path = [] }) => nameOf(path)))].slice(0, 3).join(', ')
}

function nameOf(path: NonNullable<SchemaIssue['path']>): string {
  const keys = path.map((step) => (typeof step === 'object' ? step.key : step))
  return `session.data${keys.map(stepOf).join('')}`
}

function stepOf(key: PropertyKey): string {
  return typeof key === 'number' ? `[${key}]` : propertyName(String(key))
}
