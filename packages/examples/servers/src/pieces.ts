/** Two pieces, a moment apart. */
export function pieces(): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async start(controller) {
      controller.enqueue(encoder.encode('first,'))
      await new Promise((resolve) => void setTimeout(resolve, 300))
      controller.enqueue(encoder.encode('second'))
      controller.close()
    },
  })
}
