// Dear ImGui: 300 frames of windows with tables, trees, text, plots and tabs, without a backend.
#include "clients/client.hpp"

#include <imgui.h>

#include <cstdlib>
#include <string>

namespace clients {

namespace {

struct state {
    float values[120] = {};
    std::string text = std::string(4000, 'n');
};

void table(int frame) {
    if (!ImGui::BeginTable("entities", 5,
                           ImGuiTableFlags_Borders | ImGuiTableFlags_Resizable | ImGuiTableFlags_Sortable))
        return;
    for (const char* column : {"name", "health", "x", "y", "state"}) ImGui::TableSetupColumn(column);
    ImGui::TableHeadersRow();
    for (int row = 0; row < 60 + frame % 40; ++row) {
        ImGui::TableNextRow();
        for (int column = 0; column < 5; ++column) {
            ImGui::TableSetColumnIndex(column);
            ImGui::Text("entity %d.%d of frame %d", row, column, frame);
        }
    }
    ImGui::EndTable();
}

void widgets(int frame, state& s) {
    s.values[frame % 120] = static_cast<float>(frame % 17);
    ImGui::PlotLines("times", s.values, 120, frame % 120);
    ImGui::InputTextMultiline("notes", s.text.data(), s.text.size() + 1);
    ImGui::TextWrapped("%s", std::string(static_cast<std::size_t>(frame % 300), 'w').c_str());
    for (int i = 0; i < 40; ++i) {
        ImGui::PushID(i);
        if (ImGui::TreeNodeEx("node", i % 3 == 0 ? ImGuiTreeNodeFlags_DefaultOpen : 0)) {
            ImGui::SliderFloat("amount", &s.values[i], 0.0F, 20.0F);
            ImGui::ColorButton("colour", ImVec4(0.1F * static_cast<float>(i % 10), 0.5F, 0.5F, 1));
            ImGui::TreePop();
        }
        ImGui::PopID();
    }
    if (ImGui::BeginTabBar("tabs")) {
        for (int i = 0; i < 1 + frame % 6; ++i) {
            if (ImGui::BeginTabItem(("tab " + std::to_string(i)).c_str())) ImGui::EndTabItem();
        }
        ImGui::EndTabBar();
    }
}

void draw(int frame, state& s) {
    ImGui::NewFrame();
    for (int window = 0; window < 4 + frame / 30; ++window) {
        ImGui::SetNextWindowSize(ImVec2(700, 800), ImGuiCond_Once);
        if (ImGui::Begin(("window " + std::to_string(window)).c_str())) {
            if (window % 2 == 0) table(frame);
            else widgets(frame, s);
        }
        ImGui::End();
    }
    if (frame % 50 > 25) {
        ImGui::BeginTooltip();
        ImGui::Text("frame %d", frame);
        ImGui::EndTooltip();
    }
    ImGui::Render();
}

digest drawn() {
    digest d = 0;
    const ImDrawData* data = ImGui::GetDrawData();
    for (int i = 0; i < data->CmdListsCount; ++i) {
        const ImDrawList& list = *data->CmdLists[i];
        for (const ImDrawVert& v : list.VtxBuffer)
            d = mix(d, static_cast<digest>(v.pos.x * 16) ^ (static_cast<digest>(v.pos.y * 16) << 20U) ^
                           (digest{v.col} << 32U));
        for (const ImDrawIdx index : list.IdxBuffer) d = mix(d, index);
    }
    return d;
}

digest run(unsigned tenths, const while_full& full) {
    ImGui::CreateContext();
    ImGuiIO& io = ImGui::GetIO();
    io.IniFilename = nullptr;
    io.DisplaySize = ImVec2(1920, 1080);
    io.DeltaTime = 1.0F / 60;
    unsigned char* pixels = nullptr;
    int width = 0, height = 0;
    io.Fonts->GetTexDataAsRGBA32(&pixels, &width, &height);
    digest d = static_cast<digest>(width * height);
    state s;
    for (int frame = 0; frame < static_cast<int>(tenths) * 30; ++frame) {
        io.MousePos = ImVec2(static_cast<float>(frame * 5 % 1900), static_cast<float>(frame * 3 % 1000));
        io.MouseDown[0] = frame % 20 < 10;
        draw(frame, s);
        d = mix(d, drawn());
    }
    full(static_cast<std::size_t>(width * height * 4));  // the least; it counts blocks only
    ImGui::DestroyContext();
    return d;
}

}  // namespace

// It never checks for null.
const client imgui{"imgui",
                   [](unsigned tenths) {
                       ImGui::SetAllocatorFunctions([](std::size_t n, void*) { return std::malloc(n); },
                                                    [](void* p, void*) { std::free(p); });
                       return run(tenths, [](std::size_t) {});
                   },
                   [](const fa::hook& h, unsigned tenths, const while_full& full) {
                       ImGui::SetAllocatorFunctions(
                           [](std::size_t n, void* user) { return static_cast<fa::hook*>(user)->allocate(n); },
                           [](void* p, void* user) { static_cast<fa::hook*>(user)->deallocate(p); },
                           const_cast<fa::hook*>(&h));
                       return run(tenths, full);
                   },
                   nullptr};

}  // namespace clients
