// The loops of bench/frames.cpp and bench/original_frames.cpp for bumpalo, with sizes that its compiler knows.
use bumpalo::Bump;
use std::cell::RefCell;
use std::hint::black_box;
use std::mem::MaybeUninit;

thread_local! {
    static ARENA: RefCell<Bump> = RefCell::new(Bump::with_capacity(32 << 20));
}

#[repr(align(8))]
struct Block<const N: usize>([u8; N]);

fn frames_of<const N: usize>(arena: &mut Bump, frames: usize, allocations: usize, touch: bool) {
    for _ in 0..frames {
        for i in 0..allocations {
            let p: &mut MaybeUninit<Block<N>> = arena.alloc_with(MaybeUninit::uninit);
            let p = black_box(p.as_mut_ptr());
            if touch {
                unsafe { p.cast::<u64>().write(i as u64) };
            }
        }
        arena.reset();
    }
}

// fill: a byte, 256 for the number of the block, less than 0 for nothing.
fn blocks<const N: usize>(arena: &Bump, allocations: usize, fill: i32) {
    for i in 0..allocations {
        if fill < 0 {
            let p: &mut MaybeUninit<[u8; N]> = arena.alloc_with(MaybeUninit::uninit);
            black_box(p.as_mut_ptr());
        } else {
            let value = if fill == 256 { i as u8 } else { fill as u8 };
            black_box(arena.alloc_with(|| [value; N]).as_mut_ptr());
        }
    }
}

fn blocks_of(arena: &Bump, allocations: usize, bytes: usize, fill: i32) {
    match bytes {
        8 => blocks::<8>(arena, allocations, fill),
        16 => blocks::<16>(arena, allocations, fill),
        48 => blocks::<48>(arena, allocations, fill),
        64 => blocks::<64>(arena, allocations, fill),
        256 => blocks::<256>(arena, allocations, fill),
        1024 => blocks::<1024>(arena, allocations, fill),
        4096 => blocks::<4096>(arena, allocations, fill),
        65536 => blocks::<65536>(arena, allocations, fill),
        _ => panic!("no loop for this size"),
    }
}

// which: physics, render, alignments.
const MIXED: [usize; 3] = [86_400, 224_000, 90_000];
fn blocks_mixed(arena: &Bump, which: i32, fill: i32) {
    match which {
        0 => {
            blocks::<96>(arena, 500, fill);
            blocks::<256>(arena, 100, fill);
            blocks::<64>(arena, 200, fill);
        }
        1 => {
            blocks::<24>(arena, 2000, fill);
            blocks::<32>(arena, 5000, fill);
            blocks::<32>(arena, 500, fill);
        }
        _ => {
            for _ in 0..1000 {
                blocks::<7>(arena, 1, fill);
                blocks::<16>(arena, 1, fill);
                blocks::<3>(arena, 1, fill);
                blocks::<64>(arena, 1, fill);
            }
        }
    }
}

#[no_mangle]
pub extern "C" fn bumpalo_frames(frames: usize, allocations: usize, bytes: usize, touch: i32) -> u64 {
    ARENA.with(|arena| {
        let arena = &mut *arena.borrow_mut();
        match bytes {
            64 => frames_of::<64>(arena, frames, allocations, touch != 0),
            256 => frames_of::<256>(arena, frames, allocations, touch != 0),
            _ => panic!("no loop for this size"),
        }
    });
    (frames * allocations * bytes) as u64
}

// A new arena for each frame; or one that is reset behind each. All return the sum of bytes.
fn fresh(frames: usize, bytes: usize, frame: impl Fn(&Bump)) -> u64 {
    for _ in 0..frames {
        let arena = Bump::with_capacity(bytes + 4096);
        frame(&arena);
    }
    (frames * bytes) as u64
}
fn reset(frames: usize, bytes: usize, frame: impl Fn(&Bump)) -> u64 {
    ARENA.with(|arena| {
        let arena = &mut *arena.borrow_mut();
        for _ in 0..frames {
            frame(arena);
            arena.reset();
        }
    });
    (frames * bytes) as u64
}

#[no_mangle]
pub extern "C" fn bumpalo_fresh(frames: usize, allocations: usize, bytes: usize, fill: i32) -> u64 {
    fresh(frames, allocations * bytes, |arena| blocks_of(arena, allocations, bytes, fill))
}
#[no_mangle]
pub extern "C" fn bumpalo_reset(frames: usize, allocations: usize, bytes: usize, fill: i32) -> u64 {
    reset(frames, allocations * bytes, |arena| blocks_of(arena, allocations, bytes, fill))
}
#[no_mangle]
pub extern "C" fn bumpalo_fresh_mixed(frames: usize, which: i32, fill: i32) -> u64 {
    fresh(frames, MIXED[which as usize], |arena| blocks_mixed(arena, which, fill))
}
#[no_mangle]
pub extern "C" fn bumpalo_reset_mixed(frames: usize, which: i32, fill: i32) -> u64 {
    reset(frames, MIXED[which as usize], |arena| blocks_mixed(arena, which, fill))
}
