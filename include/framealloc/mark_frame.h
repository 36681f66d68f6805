/* For programs that do not use framealloc yet: tells framealloc-record that a frame begins. Without the recorder
 * nothing happens.
 *   #include <framealloc/mark_frame.h>
 *   while (running) { FRAMEALLOC_MARK_FRAME(); update(); draw(); } */
#ifndef FRAMEALLOC_MARK_FRAME_H
#define FRAMEALLOC_MARK_FRAME_H

#ifdef __cplusplus
extern "C"
#else
extern
#endif
    void
    framealloc_mark_frame(void) __attribute__((__weak__));

#define FRAMEALLOC_MARK_FRAME() (framealloc_mark_frame ? framealloc_mark_frame() : (void)0)

#endif
